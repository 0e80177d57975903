import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, opcode } from "../../wire/frame.ts";
import { FrameCounter } from "./frame-counter.ts";

function countIn(chunks: readonly Buffer[], leastBytes: number): { counted: number; closed: number; last: number } {
  const seen = { counted: 0, closed: 0, last: 0 };
  const counter = new FrameCounter({
    counted: (frames) => {
      seen.counted += frames;
    },
    closed: () => {
      seen.closed++;
    },
  });
  counter.leastBytes = leastBytes;
  for (const chunk of chunks) counter.push(chunk, 0, chunk.length);
  seen.last = counter.lastFrameBytes;
  return seen;
}

describe("FrameCounter", () => {
  it("counts the frames that are long enough, however the stream is cut", () => {
    const lengths = fc.array(fc.oneof(fc.nat(300), fc.constantFrom(0, 125, 126, 65_535, 65_536)), { maxLength: 12 });
    fc.assert(
      fc.property(lengths, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), fc.nat(200), (all, cuts, leastBytes) => {
        const frames = all.map((length) => encodeFrame({ opcode: opcode.text, payload: Buffer.alloc(length, 0x81) }));
        const stream = Buffer.concat(frames);
        const chunks: Buffer[] = [];
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const end = at + cuts[cut % cuts.length]!;
          chunks.push(stream.subarray(at, end));
          at = end;
        }
        const { counted, last } = countIn(chunks, leastBytes);
        expect(counted).toBe(all.filter((length) => length >= leastBytes).length);
        expect(last).toBe(frames.at(-1)?.length ?? 0);
      }),
    );
  });

  it("counts no control frame, and tells of a close", () => {
    const ping = encodeFrame({ opcode: opcode.ping, payload: "1234" });
    const close = encodeFrame({ opcode: opcode.close });
    expect(countIn([ping, close], 0)).toMatchObject({ counted: 0, closed: 1 });
  });
});
