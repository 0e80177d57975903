// RFC 6455 sections 5.5.1 and 7: the closing handshake and its codes.

import { closePayload, opcode } from "../../../client/wire/frame.ts";
import { Violation } from "../../../schema/errors.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { clause, fenceRequest, refuses, withFence } from "./clause.ts";

const echoSays = "An endpoint that gets a close frame and has sent none answers with one, usually with the same code.";
const codesSay =
  "Codes below 1000, codes that are only for use inside an endpoint, and codes that nobody has registered are not sent.";

const validCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const invalidCodes = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

const accepted: readonly Rule[] = validCodes.map((code) =>
  rule({
    id: `frames-close-code-${code}`,
    level: "MUST",
    phase: "frames",
    title: `answers a close with ${code} by the same code`,
    from: () => [clause("7.4", echoSays)],
    async check(context) {
      const peer = await context.dial();
      await peer.hangUp(code);
      await peer.closes({ code });
    },
    brokenBy: () => faults.ignoresClose(),
  }),
);

const refused: readonly Rule[] = invalidCodes.map((code) =>
  refuses({
    id: `close-code-${code}`,
    section: "7.4",
    text: codesSay,
    title: `closes with 1002 when the client's close carries ${code}`,
    frames: () => [{ opcode: opcode.close, payload: closePayload(code) }],
    brokenBy: faults.tolerates("close-code-invalid"),
  }),
);

export const closingRules: readonly Rule[] = [
  ...accepted,
  ...refused,

  rule({
    id: "frames-close-without-code",
    level: "MUST",
    phase: "frames",
    title: "answers a close without a code by a close",
    from: () => [clause("5.5.1", echoSays)],
    async check(context) {
      const peer = await context.dial();
      await peer.hangUp(null);
      await peer.closes({ code: [1000, 1005] });
    },
    brokenBy: () => faults.ignoresClose(),
  }),

  rule({
    id: "frames-close-with-reason",
    level: "MUST",
    phase: "frames",
    title: "answers a close with a reason of 123 bytes",
    from: () => [clause("5.5.1", echoSays)],
    async check(context) {
      const peer = await context.dial();
      await peer.hangUp(1000, "r".repeat(123));
      await peer.closes({ code: 1000 });
    },
    brokenBy: () => faults.ignoresClose(),
  }),

  rule({
    id: "frames-nothing-after-close",
    level: "MUST",
    phase: "frames",
    title: "ignores frames after a close frame",
    from: withFence(clause("5.5.1", "After a close frame no more data is sent; what comes is not processed.")),
    async check(context) {
      const peer = await context.dial();
      const { text, replies } = fenceRequest(context);
      peer.sendRaw({ opcode: opcode.close, payload: closePayload(1000) });
      peer.sendText(text);
      await peer.closes({ code: 1000 });
      const answers = peer.takeAll().filter(({ name }) => name !== undefined && replies.includes(name));
      if (answers.length > 0) throw new Violation("no reply to a message after the close", answers[0]!.text);
    },
    brokenBy: () => faults.ignoresClose(),
  }),

  rule({
    id: "frames-server-ends-tcp",
    level: "SHOULD",
    phase: "frames",
    title: "closes the TCP connection after the close handshake",
    from: () => [clause("7.1.1", "The server ends the TCP connection first, so that the client does not wait.")],
    async check(context) {
      const peer = await context.dial();
      peer.sendRaw({ opcode: opcode.close, payload: closePayload(1000) });
      await peer.closes({ code: 1000 });
    },
    brokenBy: () => faults.ignoresClose(),
  }),

  rule({
    id: "frames-half-close",
    level: "MUST",
    phase: "frames",
    title: "ends the connection after a TCP half-close",
    from: () => [clause("7.1.5", "A connection that ends without a close frame is closed abnormally; the server lets go of it.")],
    async check(context) {
      const peer = await context.dial();
      peer.endTcp();
      await peer.closes();
    },
    brokenBy: () => faults.keepsHalfOpen(),
  }),

  refuses({
    id: "close-one-byte",
    section: "5.5.1",
    text: "The payload of a close frame is empty or begins with a code of two bytes.",
    title: "closes with 1002 on a close frame with one byte",
    frames: () => [{ opcode: opcode.close, payload: Uint8Array.of(3) }],
    brokenBy: faults.tolerates("close-payload-one-byte"),
  }),
  refuses({
    id: "close-reason-not-utf8",
    section: "5.5.1",
    text: "The reason in a close frame is UTF-8.",
    title: "closes with 1007 on a close reason that is not UTF-8",
    frames: () => [{ opcode: opcode.close, payload: Buffer.concat([closePayload(1000), Buffer.from([0xff, 0xfe])]) }],
    codes: [1002, 1007],
    brokenBy: faults.tolerates("close-reason-not-utf8"),
  }),
  refuses({
    id: "close-too-long",
    section: "5.5",
    text: "A control frame has at most 125 bytes of payload.",
    title: "closes with 1002 on a close frame of 126 bytes",
    frames: () => [{ opcode: opcode.close, payload: closePayload(1000, "r".repeat(124)) }],
    brokenBy: faults.tolerates("control-too-long"),
  }),
  refuses({
    id: "close-fragmented",
    section: "5.5",
    text: "A control frame is not fragmented.",
    title: "closes with 1002 on a fragmented close frame",
    frames: () => [{ opcode: opcode.close, payload: closePayload(1000), fin: false }],
    brokenBy: faults.tolerates("control-fragmented"),
  }),
];
