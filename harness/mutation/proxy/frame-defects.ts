// Client frames that violate RFC 6455, repaired or held back, so that the server seems to tolerate them. Pure.
import { isUtf8 } from "node:buffer";
import { type Frame, opcode, parseClosePayload } from "../../client/wire/frame.ts";
import type { FrameDefect, Transformation } from "../../conformance/faults/plan.ts";

// Codes that may stand in a close frame (section 7.4.1), beside 3000 to 4999.
const sendable = new Set([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]);

/**
 * The frame without the defect; undefined if it can only be held back; the same frame if it has no such defect.
 * Defects of whole messages (`not-utf8`, `binary`, `too-big`, `compressed`) are left to `isToleratedMessage`.
 * @param inside whether a fragmented message has begun and not ended
 */
function repairedFrame(frame: Frame, defect: FrameDefect, inside: boolean): Frame | undefined {
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
      if (!isControl || frame.fin) return frame;
      return isClose ? undefined : { ...frame, fin: true };
    case "control-too-long":
      if (!isControl || frame.payload.length <= 125) return frame;
      return isClose ? undefined : { ...frame, lengthBits: 7, payload: frame.payload.subarray(0, 125) };
    case "continuation-without-start":
      return frame.opcode === opcode.continuation && !inside ? undefined : frame;
    case "start-inside-fragments":
      return !isControl && frame.opcode !== opcode.continuation && inside ? undefined : frame;
    // A repaired close frame would end the connection, which is all that the standard asks for.
    case "close-code-invalid": {
      const { code } = parseClosePayload(frame.payload);
      const isLegal = sendable.has(code) || (code >= 3000 && code <= 4999);
      return isClose && frame.payload.length >= 2 && !isLegal ? undefined : frame;
    }
    case "close-payload-one-byte":
      return isClose && frame.payload.length === 1 ? undefined : frame;
    case "close-reason-not-utf8":
      return isClose && !isUtf8(frame.payload.subarray(2)) ? undefined : frame;
    case "length-not-shortest":
      return { ...frame, lengthBits: 7 };
    default:
      return frame;
  }
}

/** The frame without all tolerated defects; undefined if it must be held back. */
export function repairedBy(transformations: readonly Transformation[], frame: Frame, inside: boolean): Frame | undefined {
  let result: Frame | undefined = frame;
  for (const defect of toleratedDefects(transformations)) {
    if (result !== undefined) result = repairedFrame(result, defect, inside);
  }
  return result;
}

/** Whether the whole message has a tolerated defect, so that the server must not see it. */
export function isToleratedMessage(
  first: Frame,
  payload: Buffer,
  options: { readonly transformations: readonly Transformation[]; readonly maxMessageBytes: number },
): boolean {
  return toleratedDefects(options.transformations).some(
    (defect) =>
      (defect === "not-utf8" && first.opcode === opcode.text && !isUtf8(payload)) ||
      (defect === "compressed" && (first.reserved & 4) !== 0) ||
      (defect === "binary" && first.opcode === opcode.binary) ||
      (defect === "too-big" && payload.length > options.maxMessageBytes),
  );
}

function toleratedDefects(transformations: readonly Transformation[]): readonly FrameDefect[] {
  return transformations.flatMap((one) => (one.on === "frame" && one.act.do === "tolerate" ? [one.act.defect] : []));
}
