// RFC 6455 section 8.1: text is UTF-8, however it is cut.

import { opcode } from "../../../client/wire/frame.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { clause, fenceRequest, ignoresFence, refuses, withFence } from "./clause.ts";

const text = "An endpoint that finds text which is not UTF-8 fails the connection.";

const notUtf8: Readonly<Record<string, { readonly what: string; readonly bytes: readonly number[] }>> = {
  "lone-continuation": { what: "an unexpected continuation byte", bytes: [0x80] },
  overlong: { what: "an overlong form", bytes: [0xc0, 0xaf] },
  surrogate: { what: "an encoded surrogate", bytes: [0xed, 0xa0, 0x80] },
  "beyond-unicode": { what: "a code point above U+10FFFF", bytes: [0xf4, 0x90, 0x80, 0x80] },
  truncated: { what: "a character that is cut off", bytes: [0xe2, 0x82] },
  "byte-ff": { what: "the byte 0xFF", bytes: [0xff] },
};

const single: readonly Rule[] = Object.entries(notUtf8).map(([id, { what, bytes }]) =>
  refuses({
    id: `utf8-${id}`,
    section: "8.1",
    text,
    title: `fails the connection on ${what}`,
    frames: () => [{ opcode: opcode.text, payload: Buffer.from([0x22, ...bytes, 0x22]) }],
    brokenBy: faults.tolerates("not-utf8"),
  }),
);

export const utf8Rules: readonly Rule[] = [
  ...single,

  refuses({
    id: "utf8-split-invalid",
    section: "8.1",
    text,
    title: "fails the connection on bytes that are not UTF-8 once the fragments are put together",
    frames: () => [
      { opcode: opcode.text, payload: Buffer.from([0x22, 0xe2, 0x82]), fin: false },
      { opcode: opcode.continuation, payload: Buffer.from([0x22]) },
    ],
    brokenBy: faults.tolerates("not-utf8"),
  }),

  refuses({
    id: "utf8-fail-fast",
    level: "MAY",
    section: "8.1",
    text: "A receiver may fail the connection as soon as a fragment cannot become UTF-8 any more.",
    title: "fails the connection at the first fragment that is not UTF-8, before the message has ended",
    frames: () => [{ opcode: opcode.text, payload: Buffer.from([0x22, 0xff]), fin: false }],
    brokenBy: faults.tolerates("not-utf8"),
  }),

  rule({
    id: "frames-utf8-split-character",
    level: "MUST",
    phase: "frames",
    title: "accepts a multi-byte character split across fragments",
    from: withFence(clause("8.1", "A fragment need not be UTF-8 by itself; the whole message is.")),
    async check(context) {
      const client = await context.dial();
      const { text, message } = fenceRequest(context);
      // White space that JSON allows is ASCII, so the character goes into a member name that no schema knows: it may be refused, not closed.
      const bytes = Buffer.from(text.replace(/}$/, ',"\u20ac":0}'));
      const cut = bytes.indexOf(0xe2) + 1;
      client.sendRaw({ opcode: opcode.text, payload: bytes.subarray(0, cut), fin: false });
      client.sendRaw({ opcode: opcode.continuation, payload: bytes.subarray(cut) });
      await client.replyTo(message);
    },
    brokenBy: (_, subject) => ignoresFence(subject),
  }),
];
