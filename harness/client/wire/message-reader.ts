// Frames of one direction -> messages and control frames, with every clause of RFC 6455 that they break named. Pure.
import { isUtf8 } from "node:buffer";
import { type Frame, opcode, parseClosePayload } from "./frame.ts";
import type { Inflater } from "./permessage-deflate.ts";

export type WireEvent =
  /** `utf8`: whether a text is valid UTF-8; where it is not, `text` has replacement characters. */
  | { readonly kind: "text"; readonly text: string; readonly utf8: boolean; readonly bytes: number }
  | { readonly kind: "binary"; readonly payload: Buffer }
  | { readonly kind: "ping" | "pong"; readonly payload: Buffer }
  | { readonly kind: "close"; readonly code: number; readonly reason: string }
  /** The frame breaks the standard: which clause, and how. */
  | { readonly kind: "broken"; readonly clause: string; readonly how: string };

/** Codes that must not stand in a close frame (section 7.4.1), and those that are no codes at all (7.4.2). Unassigned ones are no violation. */
function isReserved(code: number): boolean {
  return code < 1000 || code > 4999 || [1004, 1005, 1006, 1015].includes(code);
}

/** Puts fragments together. What comes from a server must not be masked, what comes from a client must be. */
export class MessageReader {
  readonly #from: "client" | "server";
  readonly #inflater: Inflater | undefined;
  /** The message that has begun is compressed. */
  #compressed = false;
  #fragments: Buffer[] = [];
  #opcode: number | undefined;

  /** @param inflater where permessage-deflate was agreed */
  constructor(from: "client" | "server", inflater?: Inflater) {
    this.#from = from;
    this.#inflater = inflater;
  }

  /** What this frame brings, the clauses that it breaks first. */
  read(frame: Frame): WireEvent[] {
    const events: WireEvent[] = [];
    const broken = (clause: string, how: string) => events.push({ kind: "broken", clause: `RFC 6455 section ${clause}`, how });
    if (frame.masked !== (this.#from === "client"))
      broken("5.1", `a ${this.#from}'s frame that is ${frame.masked ? "" : "not "}masked`);
    if (frame.reserved !== 0 && !this.#marksCompression(frame))
      broken("5.2", `a reserved bit is set without an extension (RSV ${frame.reserved})`);
    const length = frame.payload.length;
    if ((frame.lengthBits === 16 && length < 126) || (frame.lengthBits === 64 && length < 65_536)) {
      broken("5.2", `a length of ${length} in ${frame.lengthBits} bits, which is not the shortest form`);
    }
    if (frame.opcode >= 8) this.#control(frame, events, broken);
    else this.#data(frame, events, broken);
    return events;
  }

  /** RSV1 on the first frame of a message, where permessage-deflate was agreed (RFC 7692 section 6). */
  #marksCompression({ opcode: code, reserved }: Frame): boolean {
    return this.#inflater !== undefined && reserved === 4 && (code === opcode.text || code === opcode.binary);
  }

  #control(frame: Frame, events: WireEvent[], broken: (clause: string, how: string) => unknown): void {
    if (!frame.fin) broken("5.5", "a control frame in fragments");
    if (frame.payload.length > 125) broken("5.5", `a control frame of ${frame.payload.length} bytes`);
    if (frame.opcode === opcode.ping) events.push({ kind: "ping", payload: frame.payload });
    else if (frame.opcode === opcode.pong) events.push({ kind: "pong", payload: frame.payload });
    else if (frame.opcode === opcode.close) {
      const { code, reason } = parseClosePayload(frame.payload);
      if (frame.payload.length === 1) broken("5.5.1", "a close frame with half a status code");
      else if (frame.payload.length > 1 && isReserved(code)) {
        broken("7.4", `a close frame with the code ${code}`);
      }
      if (!isUtf8(frame.payload.subarray(2))) broken("5.5.1", "a close reason that is not UTF-8");
      events.push({ kind: "close", code, reason });
    } else broken("5.2", `the reserved opcode ${frame.opcode}`);
  }

  #data(frame: Frame, events: WireEvent[], broken: (clause: string, how: string) => unknown): void {
    if (frame.opcode > opcode.binary) {
      broken("5.2", `the reserved opcode ${frame.opcode}`);
      return;
    }
    if (frame.opcode === opcode.continuation && this.#opcode === undefined) {
      broken("5.4", "an unexpected continuation frame");
      return;
    }
    if (frame.opcode !== opcode.continuation && this.#opcode !== undefined)
      broken("5.4", "a new message within a fragmented one");
    if (frame.opcode !== opcode.continuation) {
      this.#opcode = frame.opcode;
      this.#fragments = [];
      this.#compressed = this.#marksCompression(frame);
    }
    this.#fragments.push(frame.payload);
    if (!frame.fin) return;
    const sent = this.#fragments.length === 1 ? frame.payload : Buffer.concat(this.#fragments);
    const payload = this.#compressed ? this.#inflater!.inflate(sent) : sent;
    if (payload === undefined) {
      events.push({
        kind: "broken",
        clause: "RFC 7692 section 7.2.2",
        how: "a message marked as compressed that does not inflate",
      });
    } else if (this.#opcode === opcode.text) {
      const valid = isUtf8(payload);
      if (!valid) broken("8.1", "a text that is not UTF-8");
      events.push({ kind: "text", text: payload.toString("utf8"), utf8: valid, bytes: payload.length });
    } else events.push({ kind: "binary", payload: Buffer.from(payload) });
    this.#opcode = undefined;
    this.#fragments = [];
  }
}
