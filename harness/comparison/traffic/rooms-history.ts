// A history of rooms.v1 without sockets: members of a few rooms chat, and the engine of the mock answers, by a clock of its own.
import { endpointFor } from "../../../spec/endpoints.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { createCredentialCheck } from "../../mock/credential.ts";
import { Engine } from "../../mock/engine.ts";
import { numbersInForce } from "../../mock/numbers.ts";
import type { Session } from "../../mock/session.ts";
import { withDrawnExamples } from "../../schema/drawn-examples.ts";
import { createPrng } from "../../schema/prng.ts";
import { readText } from "../../traffic/har.ts";
import type { TrafficEvent } from "../../traffic/traffic-event.ts";

export interface RoomsHistory {
  readonly messages: number;
  readonly members: number;
  readonly rooms: number;
  readonly seed: number;
}

/** Calls `event` with each event; memory stays flat. @returns how many messages there were */
export async function playRooms(
  { messages, members, rooms, seed }: RoomsHistory,
  event: (event: TrafficEvent) => void,
): Promise<number> {
  const { contract, channel } = endpointFor((await loadContract({ file: defaultSpecFile })).contract!, undefined)!;
  const startMs = Date.UTC(2026, 0, 1);
  let atMs = 0;
  let count = 0;
  const engine = new Engine({
    ...{ contract: withDrawnExamples(contract), channel, seed, numbers: numbersInForce(channel) },
    checkCredential: createCredentialCheck(channel.handshake?.credentials, {}),
    nowMs: () => startMs + atMs,
  });
  const random = createPrng(seed);
  const told = (kind: "send" | "receive", connection: number, text: string) => {
    count += 1;
    event({ kind, connection, atMs, ...readText(text) });
  };
  const sessions: Session[] = [];
  const ids = new Map<Session, number>();
  const ask = (session: Session, type: string, payload: object) => {
    const id = (ids.get(session) ?? 0) + 1;
    ids.set(session, id);
    const text = JSON.stringify({ type, id: `${session.id}-${id}`, payload });
    atMs += 0.5;
    told("send", session.id, text);
    atMs += 0.5;
    engine.receive(session, text);
  };
  for (let index = 0; index < members; index += 1) {
    atMs += 1;
    const connection = index + 1;
    event({ kind: "open", connection, atMs, node: "mock", path: "/ws", subprotocol: "rooms.v1", user: "" });
    const transport = {
      send: (text: string) => told("receive", connection, text),
      close: (code: number, reason: string) => event({ kind: "close", connection, atMs, code, reason }),
    };
    const claims = new Map([["sub", `user-${index % 64}-${index}`]]);
    const session = engine.open(transport, claims, Number.POSITIVE_INFINITY)!;
    sessions.push(session);
    ask(session, "join_room", { room: `room-${index % rooms}` });
  }
  for (let turn = 0; count < messages; turn += 1) {
    const index = turn % members;
    // Publishing is limited to one message a second of each connection.
    if (index === 0) atMs += 1_100;
    const content = `Message ${turn}, ${"with some words ".repeat(1 + Math.floor(random() * 4))}and a caf\u00e9`;
    ask(sessions[index]!, "chat", { room: `room-${index % rooms}`, content });
  }
  for (const session of sessions) {
    event({ kind: "hang-up", connection: session.id, atMs, code: 1000 });
    event({ kind: "close", connection: session.id, atMs, code: 1000, reason: "" });
    engine.end(session);
  }
  return count;
}
