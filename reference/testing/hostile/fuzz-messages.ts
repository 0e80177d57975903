// Texts around the contract: valid messages of each operation, and the same with one to three mistakes in values, structure or JSON.
import { clientMessages } from "../../../generated/protocol.gen.ts";
import type { ClientMessage } from "../../../generated/types.gen.ts";
import type { Draw } from "./draw.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Maker = (draw: Draw) => Record<string, Json>;

const room = (draw: Draw): string => `fuzz-${draw.whole(0, 5)}`;
const content = (draw: Draw): string => draw.one(["x", "\u{1f600}", "e\u0301", "\u202eabc", "\u0000", "a".repeat(1_000)]);

/** Valid payloads. tsc fails here when the document gains an operation. */
const payloads: Readonly<Record<ClientMessage["type"], Maker>> = {
  authenticate: (draw) => ({ token: draw.one(["x", "a.b.c", "..", "e30.e30.e30"]) }),
  join_room: (draw) => ({
    room: room(draw),
    ...(draw.oncePer(3) && { since: { epoch: `e${draw.whole(0, 9)}`, seq: draw.whole(0, 99) } }),
  }),
  leave_room: (draw) => ({ room: room(draw) }),
  chat: (draw) => ({
    room: room(draw),
    content: content(draw),
    ...(draw.oncePer(4) && { key: `key-of-the-fuzz-run-${draw.whole(0, 9)}` }),
  }),
  direct: (draw) => ({ to: `c-${draw.whole(0, 99)}`, content: content(draw) }),
  broadcast: (draw) => ({ content: content(draw) }),
  typing: (draw) => ({ room: room(draw), active: draw.oncePer(2) }),
  ping: (draw) => ({ n: draw.whole(0, 1_000_000) }),
};
const types = clientMessages;

const strings = [
  "",
  "x",
  "__proto__",
  "constructor",
  "toString",
  "\ud800",
  "\u0000",
  "\u2028",
  "a".repeat(65),
  "\u{1f600}".repeat(1_001),
];
const numbers = [0, -0, -1, 0.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, 5e-324];
const leaf = (draw: Draw): Json =>
  draw.one<() => Json>([() => draw.one(strings), () => draw.one(numbers), () => null, () => draw.oncePer(2)])();

function anyJson(draw: Draw): Json {
  const kind = draw.whole(0, 5);
  if (kind === 0) return Array.from({ length: draw.whole(0, 20) }, () => leaf(draw));
  if (kind === 1) return Object.fromEntries(Array.from({ length: draw.whole(0, 8) }, () => [draw.one(strings), leaf(draw)]));
  if (kind === 2 && draw.oncePer(20)) return nested(draw.whole(10, 2_000));
  return leaf(draw);
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Changes one member somewhere in the message. */
function mutate(draw: Draw, message: Record<string, Json>): void {
  let target: Record<string, Json> = message;
  for (;;) {
    const inner = Object.values(target).filter((value) => typeof value === "object" && value !== null && !Array.isArray(value));
    if (inner.length === 0 || draw.oncePer(2)) break;
    target = draw.one(inner) as Record<string, Json>;
  }
  const names = Object.keys(target);
  const name = names.length === 0 || draw.oncePer(4) ? draw.one(strings) : draw.one(names);
  if (draw.oncePer(3)) delete target[name];
  // As JSON.parse would: an own member, whatever its name.
  else Object.defineProperty(target, name, { value: anyJson(draw), enumerable: true, configurable: true, writable: true });
}

/** Mistakes in the text itself. */
const textMistakes: readonly ((text: string, draw: Draw) => string)[] = [
  (text, draw) => text.slice(0, draw.whole(0, text.length)),
  (text, draw) => {
    const at = draw.whole(0, text.length);
    return text.slice(0, at) + draw.one(['"', "{", "]", ",", "\\", "\u0000", "\ufeff", "\\ud800", " ", "1"]) + text.slice(at);
  },
  (text) => `${text}${text}`,
  (text) => `\ufeff${text}`,
  (text) => text.replace("{", '{"type":"ping",'),
  (text) => `[${text}]`,
  (_, draw) => draw.one(["", " ", "null", "1e999", "-", '"x"', "[]", "{}", "tru", "NaN"]),
];

/** One text of at most 64 KiB or so. */
export function drawText(draw: Draw): string {
  const type = draw.one(types);
  const message: Record<string, Json> = { type, id: `f${draw.whole(0, 1_000)}`, payload: payloads[type](draw) };
  const mistakes = draw.whole(0, 3);
  for (let count = 0; count < mistakes; count++) mutate(draw, message);
  const text = JSON.stringify(message);
  return draw.oncePer(6) ? draw.one(textMistakes)(text, draw) : text;
}
