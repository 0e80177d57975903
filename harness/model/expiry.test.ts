// Hand-written histories of connections whose credentials run out: in time, too early, never, renewed, and renewed with an unknown outcome.
import { beforeAll, expect, it } from "vitest";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { expiryRules } from "./check-expiry.ts";
import { evaluate } from "./evaluate.ts";
import type { HistoryEvent } from "./history.ts";
import { createProtocol, type Protocol } from "./protocol.ts";
import type { CredentialFacts, Knowledge } from "./trace.ts";

let protocol: Protocol;
beforeAll(async () => {
  const { contract } = await loadContract({ file: defaultSpecFile });
  if (contract === undefined) throw new Error("the document does not load");
  protocol = createProtocol(contract);
});

const timestamp = "2026-01-31T09:30:00.000Z";
const graceMs = 2_000;
/** Connection 1 opens with a credential that runs out at 1000. */
const expiresAtMs = 1_000;
const overMs = expiresAtMs + graceMs;

const credentials = new Map<string, CredentialFacts>([
  ["long", { good: true, claims: new Map([["sub", "u1"]]) }],
  ["brief", { good: true, claims: new Map([["sub", "u1"]]), expiresAtMs: 2_000 }],
  ["forged", { good: false, claims: new Map([["sub", "u1"]]) }],
]);

type Line = [atMs: number, ...rest: [kind: "open"] | [kind: "close", code: number] | [kind: "send" | "get", frame: object]];

/** A history of connection 1, or of the connection whose number comes first. */
function history(...lines: readonly (Line | [connection: string, ...line: Line])[]): HistoryEvent[] {
  return lines.map((line): HistoryEvent => {
    const connection = typeof line[0] === "string" ? Number(line[0]) : 1;
    const [atMs, kind, rest] = (typeof line[0] === "string" ? line.slice(1) : line) as Line;
    if (kind === "open") return { kind, atMs, connection, node: "0", subprotocol: "rooms.v1", user: `u${connection}` };
    if (kind === "close") return { kind, atMs, connection, code: rest as number, reason: "" };
    const frame = kind === "get" ? { timestamp, ...(rest as object) } : rest;
    return { kind: kind === "get" ? "receive" : "send", atMs, connection, frame, json: true, bytes: 1 };
  });
}

const connected = (c: number): object => ({
  type: "connected",
  payload: { clientId: `c${c}`, userId: `u${c}`, username: `U${c}`, limits: { tokenGraceMs: graceMs } },
});
const renewal = (token: string): object => ({ type: "authenticate", id: "r", payload: { token } });
const renewed: object = { type: "authenticated", payload: { userId: "u1", username: "U1", expiresAt: timestamp }, replyTo: "r" };
const ping: object = { type: "ping", id: "p", payload: null };
const pong: object = { type: "pong", payload: null, replyTo: "p" };
const begun = [
  [0, "open"],
  [1, "get", connected(1)],
] as const satisfies Line[];
const renewedWith = (token: string) => [...begun, [500, "send", renewal(token)], [510, "get", renewed]] as const satisfies Line[];

function check(events: readonly HistoryEvent[], aliveAtMs = 0, expiry: number | undefined = expiresAtMs) {
  const knowledge: Knowledge = {
    claimsOf: (user) => new Map([["sub", user]]),
    credentials,
    expiryOf: (connection) => (connection === 1 ? expiry : undefined),
    aliveAtMs,
  };
  const { findings, open, decided: counts } = evaluate(protocol, events, knowledge);
  return { rules: findings.map(({ rule }) => rule), open: open.map(({ rule, decidedAtMs }) => [rule, decidedAtMs]), counts };
}

it("accepts the close once the grace is over, and not a moment before", () => {
  expect(check(history(...begun, [overMs, "close", 4410]))).toMatchObject({ rules: [], open: [] });
  expect(check(history(...begun, [overMs + 9_000, "close", 4410])).rules).toEqual([]);
  expect(check(history(...begun, [overMs - 20, "close", 4410])).rules).toEqual([expiryRules.closes]);
  expect(check(history(...begun, [overMs, "close", 4410])).counts.get(expiryRules.closes)).toBe(1);
});

it("wants the declared code at that moment", () => {
  expect(check(history(...begun, [overMs, "close", 1000])).rules).toEqual([expiryRules.closes]);
  expect(check(history(...begun, [overMs - 500, "close", 1000])).rules).toEqual(["no-unexpected-close"]);
});

it("waits for the close, and misses it only where the target is known to have been alive for long enough", () => {
  const events = history(...begun);
  expect(check(events, overMs)).toMatchObject({ rules: [], open: [[expiryRules.closes, overMs + 2_000]] });
  expect(check(events, overMs + 2_000)).toMatchObject({ rules: [expiryRules.closes], open: [] });
});

it("takes the code for a mistake where no credential runs out", () => {
  expect(check(history(...begun, [overMs, "close", 4410]), 0, undefined).rules).toEqual([]);
  const unending = history(["2", 0, "open"], ["2", 1, "get", connected(2)], ["2", overMs, "close", 4410]);
  expect(check(unending).rules).toEqual(["no-unexpected-close"]);
});

it("wants a connection that renewed its credential to answer after the old one's end", () => {
  const answered = history(...renewedWith("long"), [overMs + 600, "send", ping], [overMs + 601, "get", pong]);
  expect(check(answered)).toMatchObject({ rules: [], open: [] });
  expect(check(answered).counts.get(expiryRules.keeps)).toBe(1);
  const early = history(...renewedWith("long"), [overMs - 600, "send", ping], [overMs - 599, "get", pong]);
  expect(check(early).open).toEqual([[expiryRules.keeps, overMs + 500]]);
  expect(check(history(...renewedWith("long"), [overMs, "close", 4410])).rules).toEqual([expiryRules.keeps]);
});

it("holds the connection to the credential that it has now", () => {
  const laterMs = 2_000 + graceMs;
  expect(check(history(...renewedWith("brief"), [laterMs, "close", 4410])).rules).toEqual([]);
  expect(check(history(...renewedWith("brief"), [overMs, "close", 4410])).rules).toEqual([expiryRules.keeps]);
  expect(check(history(...renewedWith("brief")), laterMs + 2_000).rules).toEqual([expiryRules.closes]);
});

it("blames nobody where the renewal and the close crossed", () => {
  const crossed = history(...begun, [overMs - 1, "send", renewal("long")], [overMs + 1, "close", 4410]);
  expect(check(crossed).rules).toEqual([]);
});

it("keeps the old credential where the new one was refused", () => {
  const refused: object = { type: "error", payload: { code: "TOKEN_INVALID", message: "no", retryable: false }, replyTo: "r" };
  const events = [...begun, [500, "send", renewal("forged")], [510, "get", refused]] as const satisfies Line[];
  expect(check(history(...events, [overMs, "close", 4410])).rules).toEqual([]);
  expect(check(history(...events), overMs + 2_000).rules).toEqual([expiryRules.closes]);
});

const member = (c: number) => ({ clientId: `c${c}`, userId: `u${c}`, username: `U${c}` });

it("lets others hear of the end before we see the close", () => {
  const joined = (c: number, seq: number): Line[] => [
    [10 + seq, "send", { type: "join_room", id: `j${c}`, payload: { room: "r" } }],
    [
      10 + seq,
      "get",
      {
        type: "joined_room",
        payload: { room: "r", epoch: "e", seq, memberCount: seq, members: [1, 2].slice(0, seq).map(member) },
        replyTo: `j${c}`,
      },
    ],
  ];
  const other = (line: Line): [string, ...Line] => ["2", ...line];
  const who = { clientId: "c1", userId: "u1", username: "U1" };
  const left: object = {
    type: "user_left",
    payload: { room: "r", epoch: "e", seq: 3, ...who, memberCount: 1, reason: "disconnect" },
  };
  const newcomer: object = {
    type: "user_joined",
    payload: { room: "r", epoch: "e", seq: 2, clientId: "c2", userId: "u2", username: "U2", memberCount: 2 },
  };
  const start = history(
    ...begun,
    other([2, "open"]),
    other([3, "get", connected(2)]),
    ...joined(1, 1),
    ...joined(2, 2).map(other),
  );
  const told = history([15, "get", newcomer], other([overMs + 1, "get", left]));
  expect(check([...start, ...told]).rules).toEqual([]);
  const untimely = history(
    [15, "get", newcomer],
    other([overMs - 50, "get", left]),
    [overMs - 40, "send", ping],
    [overMs, "get", pong],
  );
  expect(check([...start, ...untimely]).rules).not.toEqual([]);
});
