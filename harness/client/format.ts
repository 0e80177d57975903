// What happened on a connection, in words for a person.

import type { Closed, RawFrame, Received, Wanted } from "./received.ts";
import { opcode } from "./wire/frame.ts";

export function describeWanted(wanted: Wanted): string {
  if (typeof wanted === "function") return (wanted as { describes?: string }).describes ?? (wanted.name || "a certain message");
  return typeof wanted === "string" ? wanted : wanted.join(" or ");
}

/** What came, for a person: the name and the text, cut. */
export function describeReceived({ name, text }: Received): string {
  return name === undefined ? shownText(text) : `${name} ${shownText(text)}`;
}

export function describeClosed({ code, reason }: Closed): string {
  if (code === 1006) return `the end of the connection without a close frame${reason === "" ? "" : ` ${reason}`}`;
  return `close ${code}${reason === "" ? "" : ` ${JSON.stringify(reason)}`}`;
}

export function describeFrame(frame: RawFrame): string {
  const name = Object.entries(opcode).find(([, code]) => code === frame.opcode)?.[0] ?? `opcode ${frame.opcode}`;
  const payload = typeof frame.payload === "string" ? Buffer.from(frame.payload) : (frame.payload ?? Buffer.alloc(0));
  const odd = [
    frame.fin === false ? "not final" : "",
    frame.reserved ? `reserved bits ${frame.reserved}` : "",
    frame.maskKey === "none" ? "unmasked" : "",
    frame.declaredLength !== undefined ? `length said to be ${frame.declaredLength}` : "",
  ].filter((one) => one !== "");
  return [name, ...odd, `${payload.length} bytes${payload.length > 0 ? ` ${shownHex(payload)}` : ""}`].join(", ");
}

export function shownHex(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, 40)).toString("hex");
  return bytes.length > 40 ? `${hex}...` : hex;
}

export function shownText(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
