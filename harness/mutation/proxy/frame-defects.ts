// Client frames that break RFC 6455, made good or kept back, so that a server seems to take no notice of them. Pure.
import { isUtf8 } from "node:buffer";
import { closePayload, type Frame, opcode, parseClosePayload } from "../../client/wire/frame.ts";
import type { FrameDefect } from "../../conformance/faults/plan.ts";

// Codes that may stand in a close frame (section 7.4.1), beside 3000 to 4999.
const sendable = new Set([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]);

/**
 * The frame without the defect; undefined where it can only be kept back; the same frame where it does not have it.
 * Defects of whole messages (`not-utf8`, `binary`, `too-big`) are not seen here.
 * @param inside whether a fragmented message has begun and not ended
 */
export function repairedFrame(frame: Frame, defect: FrameDefect, inside: boolean): Frame | undefined {
  const isControl = frame.opcode >= 8;
  const isClose = frame.opcode === opcode.close;
  switch (defect) {
    case "unmasked":
      return { ...frame, masked: true };
    case "reserved-bit":
      return { ...frame, reserved: 0 };
    case "reserved-opcode":
      return (frame.opcode > opcode.binary && !isControl) || frame.opcode > opcode.pong ? undefined : frame;
    case "control-fragmented":
      return isControl ? (frame.fin ? frame : { ...frame, fin: true }) : frame;
    case "control-too-long":
      return isControl && frame.payload.length > 125
        ? { ...frame, lengthBits: 7, payload: frame.payload.subarray(0, 125) }
        : frame;
    case "continuation-without-start":
      return frame.opcode === opcode.continuation && !inside ? undefined : frame;
    case "start-inside-fragments":
      return !isControl && frame.opcode !== opcode.continuation && inside ? undefined : frame;
    case "close-code-invalid": {
      const { code } = parseClosePayload(frame.payload);
      const isLegal = sendable.has(code) || (code >= 3000 && code <= 4999);
      return isClose && frame.payload.length >= 2 && !isLegal ? { ...frame, payload: closePayload(1000) } : frame;
    }
    case "close-payload-one-byte":
      return isClose && frame.payload.length === 1 ? { ...frame, payload: closePayload(1000) } : frame;
    case "close-reason-not-utf8":
      return isClose && !isUtf8(frame.payload.subarray(2)) ? { ...frame, payload: closePayload(1000) } : frame;
    case "length-not-shortest":
      return { ...frame, lengthBits: 7 };
    default:
      return frame;
  }
}
