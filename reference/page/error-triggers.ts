// The test tools: a button for each error and close code that a browser can trigger.
import { closeCodes, errorCodes, subprotocols } from "../../generated/protocol.gen.ts";
import type { ErrorCode, Limits } from "../../generated/types.gen.ts";
import { find, make, makeButton } from "./elements.ts";
import { showFrame } from "./frames-panel.ts";
import type { Account } from "./sign-in.ts";

type CloseName = keyof typeof closeCodes;

export interface ErrorTriggers {
  /** A frame arrived on the client's connection. */
  received(text: string): void;
  /** The client's connection was closed. */
  closed(code: number, reason: string): void;
}

export interface ErrorTriggerOptions {
  readonly url: string;
  readonly account: Account;
  /** Those that the server advertised; undefined while not connected. */
  limits(): Limits | undefined;
  /** Sends on the client's connection without the client's knowledge. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
}

/** A second connection: how it is opened, and what it sends. */
interface Probe {
  readonly token?: string | undefined;
  readonly offers?: readonly string[];
  /** Runs after `connected`. */
  run?(socket: WebSocket, limits: Limits): void;
}

/** By the document's reconnect class. */
const advice: Readonly<Record<(typeof closeCodes)[CloseName]["reconnect"], string>> = {
  stop: "not reconnect",
  "back-off": "wait, then reconnect",
  "at-once": "reconnect at once",
  spread: "reconnect at a random moment in the announced window",
  "fresh-token": "get a new token, then reconnect",
  rejoin: "reconnect and join its rooms without `since`",
};

/** Lines of outcomes that stay in view. */
const mostOutcomes = 3;
let count = 0;
/** The prefix keeps these ids apart from the client's. */
const nextId = () => `test-${++count}`;
const request = (type: string, payload: unknown) => JSON.stringify({ type, id: nextId(), payload });
const base64url = (text: string) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export function createErrorTriggers({ url, account, limits, send }: ErrorTriggerOptions): ErrorTriggers {
  const outcome = find("outcome");
  const buttons = new Map<string, HTMLButtonElement>();
  /** Button -> its line. Probes may run at the same time. */
  const lines = new Map<string, HTMLElement>();

  /** @param name of a button @param text its progress or its outcome */
  function tell(name: string, text: string): void {
    if (lines.size === 0) outcome.replaceChildren();
    const line = lines.get(name) ?? make("p");
    line.textContent = text;
    lines.set(name, line);
    outcome.prepend(line);
    while (outcome.children.length > mostOutcomes) outcome.lastElementChild?.remove();
  }

  function showOutcome(name: string, text: string): void {
    tell(name, text);
    buttons.get(name)?.classList.add("seen");
  }

  /** @returns whether the frame is an error */
  function showError(text: string): boolean {
    // Most frames are no errors: do not parse them all.
    if (!text.includes('"error"')) return false;
    const { type, payload } = JSON.parse(text) as { type: string; payload: { code: ErrorCode; message: string } };
    if (type === "error") showOutcome(payload.code, `error ${payload.code}: ${payload.message}`);
    return type === "error";
  }

  /** @returns whether the document declares the code */
  function showClose(code: number, reason: string): boolean {
    const known = Object.entries(closeCodes).find(([, entry]) => entry.code === code);
    if (known === undefined) return false;
    const [name, { when, reconnect }] = known;
    showOutcome(
      `close ${name}`,
      `closed with ${code} ${name}${reason === "" ? "" : ` (${reason})`}. ${when} Client should: ${advice[reconnect]}.`,
    );
    return true;
  }

  /** @param name the button's @param count of equal connections */
  async function probe(name: string, make: () => Probe | Promise<Probe>, count = 1): Promise<void> {
    try {
      const parts = await make();
      const open = new Set<WebSocket>();
      for (let i = 0; i < count; i++) connect(parts, open);
    } catch (error) {
      tell(name, (error as Error).message);
    }
  }

  /** @param open the connections of the same probe: all end when its outcome is known */
  function connect({ token, offers, run }: Probe, open: Set<WebSocket>): void {
    const offered = offers ?? [...subprotocols, ...(token === undefined ? [] : [`bearer.${base64url(token)}`])];
    const socket = new WebSocket(url, [...offered]);
    open.add(socket);
    // No close code is sent, so that these closes are not shown as outcomes.
    const closeAll = () => {
      for (const one of open) one.close();
      open.clear();
    };
    socket.addEventListener("message", ({ data }) => {
      const text = String(data);
      showFrame("2nd ←", "in", text);
      if (showError(text)) return closeAll();
      const { type, payload } = JSON.parse(text) as { type: string; payload: { limits: Limits } };
      if (type === "connected") run?.(socket, payload.limits);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      open.delete(socket);
      showFrame("2nd ×", "in", `${code} ${reason}`);
      if (showClose(code, reason)) closeAll();
    });
  }

  const own = async () => ({ token: await account.token() });
  const other = async (claims: { roles?: string[]; lifetimeSeconds?: number }) => {
    if (account.other === undefined) throw new Error("Start the server with --dev to use this button.");
    return account.other({ name: "somebody-else", ...claims });
  };

  const errors: Partial<Record<ErrorCode, () => void>> = {
    INVALID_JSON: () => send("{"),
    INVALID_MESSAGE: () => send(request("join_room", {})),
    UNKNOWN_TYPE: () => send(request("no_such_type", {})),
    TOKEN_INVALID: () => send(request("authenticate", { token: "a.b.c" })),
    TOKEN_MISMATCH: async () => {
      try {
        send(request("authenticate", { token: await other({}) }));
      } catch (error) {
        tell("TOKEN_MISMATCH", (error as Error).message);
      }
    },
    FORBIDDEN: () =>
      void probe("FORBIDDEN", async () => ({
        token: await other({}),
        run: (socket) => socket.send(request("broadcast", { content: "never delivered" })),
      })),
    NOT_IN_ROOM: () => send(request("chat", { room: "never-joined", content: "hello?" })),
    RECIPIENT_NOT_FOUND: () => send(request("direct", { to: "no-such-client", content: "hello?" })),
    RATE_LIMITED: () =>
      void probe("RATE_LIMITED", async () => ({
        ...(await own()),
        run: (socket, { ping }) => {
          for (let i = 0; i <= ping.burst * 2; i++) socket.send(request("ping", i)); // some are granted while they arrive
        },
      })),
    TOO_MANY_ROOMS: () =>
      void probe("TOO_MANY_ROOMS", async () => ({
        ...(await own()),
        run: (socket, { roomsPerConnection, control }) => {
          tell("TOO_MANY_ROOMS", `Joining ${roomsPerConnection + 1} rooms at the allowed rate…`);
          for (let i = 0; i <= roomsPerConnection; i++) {
            const waitMs = (Math.max(0, i + 1 - control.burst) * 1_050) / control.perSecond;
            setTimeout(() => {
              if (socket.readyState === WebSocket.OPEN) socket.send(request("join_room", { room: `test-${i}` }));
            }, waitMs);
          }
        },
      })),
  };

  const closes: Partial<Record<CloseName, () => void>> = {
    UNSUPPORTED_DATA: () => send(new Uint8Array([1, 2, 3])),
    MESSAGE_TOO_BIG: () => send(request("ping", "x".repeat(limits()?.messageBytes ?? 65_536))),
    BAD_REQUEST: () => {
      for (let i = 0; i <= (limits()?.malformedPerMinute ?? 10); i++) send("{");
    },
    RATE_LIMITED: () => {
      const { ping, refusalsPerMinute } = limits() ?? { ping: { burst: 20 }, refusalsPerMinute: 30 };
      for (let i = 0; i <= ping.burst * 2 + refusalsPerMinute; i++) send(request("ping", i)); // some are granted while they arrive
    },
  };

  const probes: Partial<Record<CloseName, () => void>> = {
    NORMAL: () => void probe("close NORMAL", async () => ({ ...(await own()), run: (socket) => socket.close(1000) })),
    UNAUTHENTICATED: () => void probe("close UNAUTHENTICATED", () => ({ token: "not-a-token" })),
    FORBIDDEN: () => void probe("close FORBIDDEN", async () => ({ token: await other({ roles: ["suspended"] }) })),
    // If the client offers a subprotocol and the server picks none, the browser fails with 1006 before the close code arrives.
    SUBPROTOCOL_NOT_ACCEPTABLE: () => void probe("close SUBPROTOCOL_NOT_ACCEPTABLE", () => ({ offers: [] })),
    TOKEN_EXPIRED: () =>
      void probe("close TOKEN_EXPIRED", async () => ({
        token: await other({ lifetimeSeconds: 2 }),
        run: (_, { tokenGraceMs }) => {
          tell("close TOKEN_EXPIRED", `The token expires in 2 s; the server closes ${tokenGraceMs / 1000} s later…`);
        },
      })),
    TOO_MANY_CONNECTIONS: () => void probe("close TOO_MANY_CONNECTIONS", own, (limits()?.connectionsPerUser ?? 0) + 1),
  };

  /** Error codes and close codes can share a name, such as RATE_LIMITED. */
  function fill(list: HTMLElement, entries: Readonly<Record<string, (() => void) | undefined>>, isClose: boolean): void {
    list.replaceChildren(
      ...Object.entries(entries).map(([name, run]) => {
        const label = isClose ? `${closeCodes[name as CloseName].code} ${name}` : name;
        const key = isClose ? `close ${name}` : name;
        const button = makeButton(label, "", () => {
          tell(key, `${label}…`);
          run?.();
        });
        buttons.set(key, button);
        return button;
      }),
    );
  }
  fill(find("errors"), errors, false);
  fill(find("closes"), closes, true);
  fill(find("probes"), probes, true);
  const missing = [
    ...Object.keys(errorCodes).filter((name) => !(name in errors)),
    ...Object.entries(closeCodes)
      .filter(([name]) => !(name in closes) && !(name in probes))
      .map(([name, { code }]) => `${code} ${name}`),
  ];
  find("not-triggered").replaceChildren(
    make("span", { text: `Cannot be triggered from a browser: ${missing.join(", ")}. Stop the server to see 1012.` }),
  );
  return { received: showError, closed: showClose };
}
