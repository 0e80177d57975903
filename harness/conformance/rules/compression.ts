// What the rules over permessage-deflate share: a connection on which it is agreed, and requests sent compressed.

import type { TestClient } from "../../client/test-client.ts";
import { opcode } from "../../client/wire/frame.ts";
import { type DeflateParameters, deflate, readAnswer } from "../../client/wire/permessage-deflate.ts";
import { NotApplicable, Violation } from "../../schema/errors.ts";
import type { Context } from "../context.ts";
import type { Clause } from "../rule.ts";

export function deflateClause(section: string, text: string): Clause {
  return { pointer: `RFC 7692 section ${section}`, text };
}

const declined = "the server does not accept permessage-deflate, so compression was not tested";

export interface CompressedConnection {
  readonly client: TestClient;
  readonly parameters: DeflateParameters;
}

export const plainOffer = "permessage-deflate; client_max_window_bits";

/**
 * Connects and agrees on permessage-deflate.
 * @throws NotApplicable where the server declines it
 */
export async function dialCompressed(context: Context, offer = plainOffer): Promise<CompressedConnection> {
  const client = await context.dial({ headers: { "Sec-WebSocket-Extensions": offer } });
  const agreed = readAnswer(offer, client.headers.get("sec-websocket-extensions"));
  if (agreed !== undefined) return { client, parameters: agreed.parameters };
  context.note(declined);
  throw new NotApplicable(declined);
}

/** A text message with RSV1 set. @param payload already deflated @param parts number of frames, default 1 */
export function sendCompressed(client: TestClient, payload: Buffer, parts = 1): void {
  const size = Math.ceil(payload.length / parts);
  for (let index = 0; index < parts; index++) {
    client.sendRaw({
      opcode: index === 0 ? opcode.text : opcode.continuation,
      reserved: index === 0 ? 4 : 0,
      payload: payload.subarray(index * size, (index + 1) * size),
      fin: index === parts - 1,
    });
  }
}

/** @param history what was sent before, where the message may refer to it */
export function deflated(text: string, { clientMaxWindowBits }: DeflateParameters, history?: Buffer): Buffer {
  return deflate(Buffer.from(text), { windowBits: clientMaxWindowBits, ...(history === undefined ? {} : { history }) });
}

/** Frames of the server that RFC 6455 or RFC 7692 forbids. */
export function expectLegalFrames(client: TestClient): void {
  const [illegal] = client.illegalFrames;
  if (illegal !== undefined) throw new Violation("messages that inflate, in frames that RFC 7692 allows", illegal);
}
