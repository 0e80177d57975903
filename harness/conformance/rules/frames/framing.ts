// RFC 6455 section 5.1 to 5.3: the header of a frame, and its mask.

import { encodeFrame, opcode } from "../../../client/wire/frame.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { clause, fenceRequest, ignoresFence, refuses, withFence } from "./clause.ts";

const reservedBitSays =
  "A reserved bit is zero unless an extension gives it a meaning; otherwise the receiver fails the connection.";
const reservedOpcodeSays = "A receiver that gets an unknown opcode fails the connection.";

const reservedBits: readonly Rule[] = [
  { bit: 1, reserved: 4 },
  { bit: 2, reserved: 2 },
  { bit: 3, reserved: 1 },
].map(({ bit, reserved }) =>
  refuses({
    id: `reserved-bit-${bit}`,
    section: "5.2",
    text: reservedBitSays,
    title: `fails the connection when RSV${bit} is set and no extension was agreed`,
    frames: (payload) => [{ opcode: opcode.text, payload, reserved }],
    brokenBy: faults.tolerates("reserved-bit"),
  }),
);

const reservedOpcodes: readonly Rule[] = [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf].map((reserved) =>
  refuses({
    id: `reserved-opcode-${reserved.toString(16)}`,
    section: "5.2",
    text: reservedOpcodeSays,
    title: `fails the connection on the reserved opcode 0x${reserved.toString(16)}`,
    frames: () => [{ opcode: reserved }],
    brokenBy: faults.tolerates("reserved-opcode"),
  }),
);

export const framingRules: readonly Rule[] = [
  ...reservedBits,
  ...reservedOpcodes,

  refuses({
    id: "unmasked",
    section: "5.1",
    text: "A server closes the connection when it gets a frame that is not masked.",
    title: "fails the connection on an unmasked frame",
    frames: (payload) => [{ opcode: opcode.text, payload, maskKey: "none" }],
    brokenBy: faults.tolerates("unmasked"),
  }),

  refuses({
    id: "length-top-bit",
    section: "5.2",
    text: "The most significant bit of a 64-bit length is zero.",
    title: "closes on a 64-bit length whose top bit is set",
    frames: () => [encodeFrame({ opcode: opcode.text, maskKey: 1, lengthBits: 64, declaredLength: 1n << 63n })],
    brokenBy: faults.tolerates("too-big"),
  }),

  rule({
    id: "frames-declared-length-too-long",
    level: "SHOULD",
    phase: "frames",
    title: "rejects an oversized message by the length in its header, before its payload arrives",
    from: ({ channel }) =>
      channel.limits
        .filter(({ kind }) => kind === "message-bytes")
        .map(({ pointer, description }) => ({ pointer, text: description })),
    async check(context, { pointer }) {
      const limit = context.channel.limits.find((one) => one.pointer === pointer)!;
      const client = await context.dial();
      client.sendRaw(
        encodeFrame({ opcode: opcode.text, maskKey: 1, lengthBits: 64, declaredLength: context.effective(limit) + 1_000_000 }),
      );
      await client.closes(limit.close === undefined ? {} : { code: limit.close });
    },
    brokenBy: () => faults.tolerates("too-big"),
  }),

  rule({
    id: "frames-zero-mask",
    level: "MUST",
    phase: "frames",
    title: "accepts a frame with masking key zero",
    from: withFence(clause("5.3", "The masking key is any 32-bit value.")),
    async check(context) {
      const client = await context.dial();
      const { text, message } = fenceRequest(context);
      client.sendRaw({ opcode: opcode.text, payload: text, maskKey: 0 });
      await client.replyTo(message);
    },
    brokenBy: (_, subject) => ignoresFence(subject),
  }),

  rule({
    id: "frames-byte-by-byte",
    level: "MUST",
    phase: "frames",
    title: "accepts a frame that arrives byte by byte",
    from: withFence(clause("5.4", "Frames have no relation to the segments of TCP that carry them.")),
    async check(context) {
      const client = await context.dial();
      const { text, message } = fenceRequest(context);
      for (const byte of encodeFrame({ opcode: opcode.text, payload: text, maskKey: 0x1234_5678 })) {
        client.sendRaw(Uint8Array.of(byte));
        await new Promise(setImmediate);
      }
      await client.replyTo(message);
    },
    brokenBy: (_, subject) => ignoresFence(subject),
  }),

  rule({
    id: "frames-many-in-one-segment",
    level: "MUST",
    phase: "frames",
    title: "accepts several frames in one segment and answers each in order",
    from: withFence(clause("5.4", "Frames have no relation to the segments of TCP that carry them.")),
    async check(context) {
      const client = await context.dial();
      const requests = [1, 2, 3, 4, 5].map(() => fenceRequest(context));
      client.sendRaw(Buffer.concat(requests.map(({ text }) => encodeFrame({ opcode: opcode.text, payload: text, maskKey: 7 }))));
      const [first, ...others] = requests;
      await client.replyTo(first!.message);
      for (const { message } of others) await client.replyTo(message);
    },
    brokenBy: (_, subject) => ignoresFence(subject),
  }),

  rule({
    id: "frames-binary",
    level: "MUST",
    phase: "frames",
    title: "closes with 1003 on a binary frame where no message is binary",
    from: ({ contract, channel }) =>
      contract.messages.some(({ format }) => format === "binary")
        ? []
        : channel.closeCodes.filter(({ code }) => code === 1003).map(({ pointer, when }) => ({ pointer, text: when })),
    async check(context) {
      const client = await context.dial();
      client.sendRaw({ opcode: opcode.binary, payload: Uint8Array.of(1, 2, 3) });
      await client.closes({ code: 1003 });
    },
    brokenBy: () => faults.tolerates("binary"),
  }),
];
