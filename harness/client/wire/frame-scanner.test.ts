import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFrame, opcode } from "./frame.ts";
import { FrameScanner, joinFragments, Unreadable } from "./frame-scanner.ts";

function texts(chunks: readonly Buffer[]): string[] {
  const found: string[] = [];
  const scanner = new FrameScanner(
    joinFragments(
      (bytes, start, end) => found.push(bytes.toString("utf8", start, end)),
      (code, _isFinal, bytes, start, end) => found.push(`${code}:${bytes.toString("utf8", start, end)}`),
    ),
  );
  for (const chunk of chunks) scanner.push(chunk);
  return found;
}

test("finds every text however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("x".repeat(125), "y".repeat(126), "z".repeat(70_000)))),
      fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1 }),
      (payloads, sizes) => {
        const bytes = Buffer.concat(payloads.map((payload) => encodeFrame({ opcode: opcode.text, payload })));
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(texts(chunks)).toEqual(payloads);
      },
    ),
  );
});

test("puts fragments together, control frames between them", () => {
  const bytes = Buffer.concat([
    encodeFrame({ opcode: opcode.text, payload: "one ", fin: false }),
    encodeFrame({ opcode: opcode.ping, payload: "p" }),
    encodeFrame({ opcode: opcode.continuation, payload: "two" }),
    encodeFrame({ opcode: opcode.text, payload: "three" }),
  ]);
  expect(texts([bytes])).toEqual(["9:p", "one two", "three"]);
});

test("refuses what a server must not send", () => {
  expect(() => texts([encodeFrame({ opcode: opcode.text, payload: "x", maskKey: 1 })])).toThrow(Unreadable);
  expect(() => texts([encodeFrame({ opcode: opcode.text, declaredLength: 2n ** 40n, lengthBits: 64 })])).toThrow(/more than/);
});
