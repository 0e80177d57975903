// How the proxy writes frames: as they came, or as a planted fault has the server send them. Pure.
import { encodeFrame, type Frame, opcode } from "../../client/wire/frame.ts";
import type { OnFrame } from "../../conformance/faults/plan.ts";

type SendAs = Extract<OnFrame["act"], { do: "send" }>["as"];

/** Any masking key does: the target sees a correctly masked frame. */
export const maskKey = 0x1234_5678;

/** The frame's bytes; a length that does not fit its form gets the shortest one that does. */
export function encode(frame: Frame): Buffer {
  const { fin, reserved, payload, lengthBits } = frame;
  const shortest = payload.length < 126 ? 7 : payload.length < 65_536 ? 16 : 64;
  return encodeFrame({
    fin,
    reserved,
    opcode: frame.opcode,
    payload,
    lengthBits: Math.max(lengthBits, shortest) as Frame["lengthBits"],
    ...(frame.masked ? { maskKey } : {}),
  });
}

/** The answer of a client to a ping. */
export function pongFor(ping: Frame): Buffer {
  return encodeFrame({ opcode: opcode.pong, payload: ping.payload, maskKey });
}

/** A whole text message in one frame, masked if `first` was. */
export function textFrame(first: Frame, text: string): Frame {
  return { ...first, fin: true, opcode: opcode.text, lengthBits: 7, payload: Buffer.from(text) };
}

/** @param as undefined: as they are */
export function encodeAs(frames: readonly Frame[], as: SendAs | undefined): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      if (as === "masked") return [encode({ ...frame, masked: true })];
      if (as === "reserved-bit") return [encode({ ...frame, reserved: 4 })];
      if (as === "length-not-shortest") return [encode({ ...frame, lengthBits: 64 })];
      if (as === undefined) return [encode(frame)];
      const half = Math.floor(frame.payload.length / 2);
      return [
        encode({ ...frame, fin: false, lengthBits: 7, payload: frame.payload.subarray(0, half) }),
        encode({ ...frame, opcode: opcode.continuation, lengthBits: 7, payload: frame.payload.subarray(half) }),
      ];
    }),
  );
}
