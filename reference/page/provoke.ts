// The laboratory: a button for each error and close code that a client can bring about.
import { closeCodes, errorCodes, subprotocols } from "../../generated/protocol.gen.ts";
import type { ErrorCode, Limits } from "../../generated/types.gen.ts";
import { find, make, makeButton } from "./elements.ts";
import { showFrame } from "./frames-panel.ts";
import type { Account } from "./sign-in.ts";

type CloseName = keyof typeof closeCodes;

export interface Laboratory {
  /** A frame of the client's own connection has come. */
  heard(text: string): void;
  /** The client's own connection has ended. */
  ended(code: number, reason: string): void;
}

export interface LaboratoryParts {
  readonly url: string;
  readonly account: Account;
  /** Of the connection; undefined while there is none. */
  limits(): Limits | undefined;
  /** On the client's own connection, past the client. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
}

/** How a second connection is opened and used. */
interface Probe {
  readonly token?: string | undefined;
  readonly offers?: readonly string[];
  /** After `connected`. */
  run?(socket: WebSocket, limits: Limits): void;
}

let count = 0;
/** Unlike any id of the client's. */
const nextId = () => `lab-${++count}`;
const request = (type: string, payload: unknown) => JSON.stringify({ type, id: nextId(), payload });
const base64url = (text: string) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export function createLaboratory({ url, account, limits, send }: LaboratoryParts): Laboratory {
  const outcome = find("outcome");
  const buttons = new Map<string, HTMLButtonElement>();
  /** Second connections, ended when the next is wanted or the answer is there. */
  const open = new Set<WebSocket>();

  function saw(name: string, text: string): void {
    outcome.textContent = text;
    buttons.get(name)?.classList.add("seen");
  }

  /** Whether it was one. */
  function sawError(text: string): boolean {
    // Each frame passes here; few are errors.
    if (!text.includes('"error"')) return false;
    const { type, payload } = JSON.parse(text) as { type: string; payload: { code: ErrorCode; message: string } };
    if (type === "error") saw(payload.code, `error ${payload.code}: ${payload.message}`);
    return type === "error";
  }

  /** Whether it is one of the document. */
  function sawClose(code: number, reason: string): boolean {
    const known = Object.entries(closeCodes).find(([, entry]) => entry.code === code);
    if (known === undefined) return false;
    const [name, { when, reconnect }] = known;
    saw(
      `close ${name}`,
      `closed with ${code} ${name}${reason === "" ? "" : ` (${reason})`}. ${when} What a client does: ${reconnect}.`,
    );
    return true;
  }

  /** Without a code of the document, so that it shows as no outcome. */
  function hangUp(): void {
    for (const socket of open) socket.close();
    open.clear();
  }

  async function probe(make: () => Probe | Promise<Probe>): Promise<void> {
    hangUp();
    let parts: Probe;
    try {
      parts = await make();
    } catch (error) {
      outcome.textContent = (error as Error).message;
      return;
    }
    connect(parts);
  }

  function connect({ token, offers, run }: Probe): void {
    const offered = offers ?? [...subprotocols, ...(token === undefined ? [] : [`bearer.${base64url(token)}`])];
    const socket = new WebSocket(url, [...offered]);
    open.add(socket);
    socket.addEventListener("message", ({ data }) => {
      const text = String(data);
      showFrame("2nd ←", "in", text);
      if (sawError(text)) return hangUp();
      const { type, payload } = JSON.parse(text) as { type: string; payload: { limits: Limits } };
      if (type === "connected") run?.(socket, payload.limits);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      open.delete(socket);
      showFrame("2nd ×", "in", `${code} ${reason}`);
      if (sawClose(code, reason)) hangUp();
    });
  }

  /** A token of this user, or of another where the server gives them. */
  const own = async () => ({ token: await account.token() });
  const other = async (claims: { roles?: string[]; lifetimeSeconds?: number }) => {
    if (account.other === undefined) throw new Error("This needs a server that runs with --dev.");
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
        outcome.textContent = (error as Error).message;
      }
    },
    FORBIDDEN: () =>
      void probe(async () => ({
        token: await other({}),
        run: (socket) => socket.send(request("broadcast", { content: "nobody hears this" })),
      })),
    NOT_IN_ROOM: () => send(request("chat", { room: "a-room-nobody-is-in", content: "hello?" })),
    RECIPIENT_NOT_FOUND: () => send(request("direct", { to: "c-nobody", content: "hello?" })),
    RATE_LIMITED: () =>
      void probe(async () => ({
        ...(await own()),
        run: (socket, { ping }) => {
          for (let i = 0; i <= ping.burst; i++) socket.send(request("ping", i));
        },
      })),
    TOO_MANY_ROOMS: () =>
      void probe(async () => ({
        ...(await own()),
        run: (socket, { roomsPerConnection, control }) => {
          outcome.textContent = `Joining ${roomsPerConnection + 1} rooms, no faster than the server allows…`;
          for (let i = 0; i <= roomsPerConnection; i++) {
            const waitMs = (Math.max(0, i + 1 - control.burst) * 1_050) / control.perSecond;
            setTimeout(() => {
              if (socket.readyState === WebSocket.OPEN) socket.send(request("join_room", { room: `lab-${i}` }));
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
      for (let i = 0; i <= ping.burst + refusalsPerMinute; i++) send(request("ping", i));
    },
  };

  const probes: Partial<Record<CloseName, () => void>> = {
    NORMAL: () => void probe(async () => ({ ...(await own()), run: (socket) => socket.close(1000) })),
    UNAUTHENTICATED: () => void probe(() => ({ token: "not-a-token" })),
    FORBIDDEN: () => void probe(async () => ({ token: await other({ roles: ["suspended"] }) })),
    // A browser that offers another one and gets none ends with 1006 itself, before it hears a code.
    SUBPROTOCOL_NOT_ACCEPTABLE: () => void probe(() => ({ offers: [] })),
    TOKEN_EXPIRED: () =>
      void probe(async () => ({
        token: await other({ lifetimeSeconds: 2 }),
        run: (_, { tokenGraceMs }) => {
          outcome.textContent = `The token runs out in 2 s, the server waits ${tokenGraceMs / 1000} s more…`;
        },
      })),
    TOO_MANY_CONNECTIONS: () =>
      void probe(async () => {
        const parts = await own();
        for (let i = 0; i < (limits()?.connectionsPerUser ?? 0); i++) connect(parts);
        return parts;
      }),
  };

  /** Some close codes have the name of an error. */
  function fill(list: HTMLElement, entries: Readonly<Record<string, (() => void) | undefined>>, isClose: boolean): void {
    list.replaceChildren(
      ...Object.entries(entries).map(([name, run]) => {
        const label = isClose ? `${closeCodes[name as CloseName].code} ${name}` : name;
        const button = makeButton(label, "", () => {
          outcome.textContent = `${label}…`;
          run?.();
        });
        buttons.set(isClose ? `close ${name}` : name, button);
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
  find("unprovoked").replaceChildren(
    make("span", { text: `No page can bring these about: ${missing.join(", ")}. Stop the server to see 1012.` }),
  );
  return { heard: sawError, ended: sawClose };
}
