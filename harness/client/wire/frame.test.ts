import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closePayload, encodeFrame, FrameDecoder, FrameTooLong, opcode, parseClosePayload } from "./frame.ts";

const hex = (bytes: Buffer) => bytes.toString("hex");

describe("encodeFrame", () => {
  it("gives the bytes of the examples in RFC 6455 section 5.7", () => {
    expect(hex(encodeFrame({ opcode: opcode.text, payload: "Hello" }))).toBe("810548656c6c6f");
    expect(hex(encodeFrame({ opcode: opcode.text, payload: "Hello", maskKey: 0x37fa213d }))).toBe("818537fa213d7f9f4d5158");
    expect(hex(encodeFrame({ opcode: opcode.text, payload: "Hel", fin: false }))).toBe("010348656c");
    expect(hex(encodeFrame({ opcode: opcode.continuation, payload: "lo" }))).toBe("80026c6f");
    expect(hex(encodeFrame({ opcode: opcode.binary, payload: Buffer.alloc(256) }).subarray(0, 4))).toBe("827e0100");
    expect(hex(encodeFrame({ opcode: opcode.binary, payload: Buffer.alloc(65_536) }).subarray(0, 10))).toBe(
      "827f0000000000010000",
    );
  });

  it("encodes what the standard forbids", () => {
    expect(hex(encodeFrame({ opcode: 0xb, reserved: 5 }))).toBe("db00");
    expect(hex(encodeFrame({ opcode: opcode.text, payload: "a", lengthBits: 64 }))).toBe("817f000000000000000161");
    expect(hex(encodeFrame({ opcode: opcode.text, declaredLength: 0xffff_ffff_ffff_ffffn }))).toBe("817fffffffffffffffff");
    expect(() => encodeFrame({ opcode: opcode.ping, payload: Buffer.alloc(126), lengthBits: 7 })).toThrow(RangeError);
  });
});

describe("FrameDecoder", () => {
  it("reads back every frame, however the bytes are cut", () => {
    const frame = fc.record({
      opcode: fc.integer({ min: 0, max: 15 }),
      fin: fc.boolean(),
      reserved: fc.integer({ min: 0, max: 7 }),
      payload: fc.uint8Array({ maxLength: 300 }),
      masked: fc.option(fc.integer({ min: 0, max: 0xffff_ffff }), { nil: undefined }),
      wide: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.integer({ min: 1, max: 50 }), (frames, step) => {
        const bytes = Buffer.concat(
          frames.map(({ masked, wide, ...rest }) =>
            encodeFrame({ ...rest, ...(masked === undefined ? {} : { maskKey: masked }), ...(wide ? { lengthBits: 64 } : {}) }),
          ),
        );
        const decoder = new FrameDecoder();
        const found = [];
        for (let at = 0; at < bytes.length; at += step) found.push(...decoder.push(bytes.subarray(at, at + step)));
        expect(decoder.pendingBytes).toBe(0);
        expect(found.map((one) => ({ ...one, payload: [...one.payload] }))).toEqual(
          frames.map(({ masked, wide, payload, ...rest }) => ({
            ...rest,
            masked: masked !== undefined,
            lengthBits: wide ? 64 : payload.length < 126 ? 7 : 16,
            payload: [...payload],
          })),
        );
      }),
    );
  });

  it("says that bytes of an unfinished frame are left", () => {
    const decoder = new FrameDecoder();
    expect(decoder.push(encodeFrame({ opcode: opcode.text, payload: "Hello" }).subarray(0, 4))).toEqual([]);
    expect(decoder.pendingBytes).toBe(4);
  });

  it("refuses a frame longer than it may hold before it has come", () => {
    const decoder = new FrameDecoder(1000);
    expect(() => decoder.push(encodeFrame({ opcode: opcode.text, declaredLength: 1001 }))).toThrow(FrameTooLong);
  });
});

describe("closePayload", () => {
  it("carries code and reason there and back", () => {
    expect(parseClosePayload(closePayload(4401, "no token"))).toEqual({ code: 4401, reason: "no token" });
    expect(parseClosePayload(closePayload(undefined))).toEqual({ code: 1005, reason: "" });
    expect(parseClosePayload(Buffer.from([3]))).toEqual({ code: 1005, reason: "" });
  });
});
