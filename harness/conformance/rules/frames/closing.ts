// RFC 6455 sections 5.5.1 and 7: the closing handshake and its codes.

import { describeClosed } from "../../../client/format.ts";
import { closePayload, opcode } from "../../../client/wire/frame.ts";
import { Violation } from "../../../schema/errors.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { clause, fenceRequest, mustAnswerClose, refuses, withFence } from "./clause.ts";

const answerText = "An endpoint that receives a close frame and has not sent one must send one in response.";
const echoText = "When it answers a close frame, the endpoint typically echoes the status code that it received.";
const reservedText = "Codes below 1000, 1004, 1005, 1006, 1015 and codes above 4999 must not be set in a close frame.";
const unassignedText = "Codes from 1000 to 2999 are reserved for the protocol, its revisions and its extensions.";
const failureText = "An endpoint that fails an established connection should send a close frame with an appropriate code first.";

const validCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
/** In IANA's registry, but not in RFC 6455: a server that knows only the RFC may take them for unassigned ones. */
const laterCodes = [1012, 1013, 1014];
const reservedCodes = [0, 999, 1004, 1005, 1006, 1015, 5000, 65_535];
const unassignedCodes = [1016, 1100, 2000, 2999];

const accepted: readonly Rule[] = [...validCodes, ...laterCodes].map((code) =>
  rule({
    id: `frames-close-code-${code}`,
    level: laterCodes.includes(code) ? "SHOULD" : "MUST",
    phase: "frames",
    title: `answers a close with ${code} by a close frame`,
    from: () => [clause("5.5.1", answerText)],
    async check(context) {
      const testClient = await context.dial();
      await testClient.hangUp(code);
      await mustAnswerClose(testClient);
    },
    brokenBy: () => faults.ignoresClose(),
  }),
);

const unassigned: readonly Rule[] = unassignedCodes.map((code) =>
  rule({
    id: `frames-close-code-${code}`,
    level: "SHOULD",
    phase: "frames",
    title: `does not echo the unassigned close code ${code}`,
    from: () => [clause("7.4.2", unassignedText)],
    async check(context) {
      const testClient = await context.dial();
      testClient.sendRaw({ opcode: opcode.close, payload: closePayload(code) });
      const closed = await testClient.closes();
      if (closed.code === code) throw new Violation(`a close with another code than ${code}`, describeClosed(closed));
    },
    brokenBy: () => faults.ignoresClose(),
  }),
);

const refused: readonly Rule[] = reservedCodes.map((code) =>
  refuses({
    id: `close-code-${code}`,
    section: "7.4.1",
    text: reservedText,
    title: `fails the connection when the client closes with ${code}`,
    frames: () => [{ opcode: opcode.close, payload: closePayload(code) }],
    brokenBy: faults.tolerates("close-code-invalid"),
  }),
);

export const closingRules: readonly Rule[] = [
  ...accepted,
  ...refused,
  ...unassigned,

  rule({
    id: "frames-close-code-echoed",
    level: "SHOULD",
    phase: "frames",
    title: "echoes the status code of the client's close",
    from: () => [clause("5.5.1", echoText)],
    async check(context) {
      for (const code of [1000, 3000, 4000]) {
        const testClient = await context.dial();
        await testClient.hangUp(code);
        await testClient.closes({ code });
      }
    },
    brokenBy: () => faults.ignoresClose(),
  }),

  rule({
    id: "frames-failure-code",
    level: "SHOULD",
    phase: "frames",
    title: "uses the matching close code: 1002 for a protocol error, 1007 for text that is not UTF-8",
    from: () => [clause("7.1.7", failureText)],
    async check(context) {
      const failures = [
        { code: 1002, frame: { opcode: 0x3 } },
        { code: 1007, frame: { opcode: opcode.text, payload: Buffer.from([0x22, 0xff, 0x22]) } },
      ];
      for (const { code, frame } of failures) {
        const testClient = await context.dial();
        testClient.sendRaw(frame);
        await testClient.closes({ code });
      }
    },
    brokenBy: () => faults.changesCloseCode(1002, 1000),
  }),

  rule({
    id: "frames-close-without-code",
    level: "MUST",
    phase: "frames",
    title: "answers a close without a code by a close",
    from: () => [clause("5.5.1", answerText)],
    async check(context) {
      const testClient = await context.dial();
      await testClient.hangUp(null);
      await mustAnswerClose(testClient);
    },
    brokenBy: () => faults.ignoresClose(),
  }),

  rule({
    id: "frames-close-with-reason",
    level: "MUST",
    phase: "frames",
    title: "answers a close with a reason of 123 bytes",
    from: () => [clause("5.5.1", answerText)],
    async check(context) {
      const testClient = await context.dial();
      await testClient.hangUp(1000, "r".repeat(123));
      await mustAnswerClose(testClient);
    },
    brokenBy: () => faults.ignoresClose(),
  }),

  rule({
    id: "frames-nothing-after-close",
    level: "SHOULD",
    phase: "frames",
    title: "ignores frames after a close frame",
    from: withFence(clause("5.5.1", "After a close frame no more data is sent; what comes is not processed.")),
    async check(context) {
      const testClient = await context.dial();
      const { text, replies } = fenceRequest(context);
      testClient.sendRaw({ opcode: opcode.close, payload: closePayload(1000) });
      testClient.sendText(text);
      await testClient.closes();
      const answers = testClient.takeAll().filter(({ name }) => name !== undefined && replies.includes(name));
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
      const testClient = await context.dial();
      testClient.sendRaw({ opcode: opcode.close, payload: closePayload(1000) });
      await testClient.endsTcp();
    },
    brokenBy: () => faults.ignoresClose(),
  }),

  rule({
    id: "frames-half-close",
    level: "SHOULD",
    phase: "frames",
    title: "ends the connection after a TCP half-close",
    from: () => [clause("7.1.5", "A connection that ends without a close frame is closed abnormally; the server releases it.")],
    async check(context) {
      const testClient = await context.dial();
      testClient.endTcp();
      await testClient.closes();
    },
    brokenBy: () => faults.keepsHalfOpen(),
  }),

  refuses({
    id: "close-one-byte",
    section: "5.5.1",
    text: "The payload of a close frame is empty or begins with a code of two bytes.",
    title: "fails the connection on a close frame with one byte",
    frames: () => [{ opcode: opcode.close, payload: Uint8Array.of(3) }],
    brokenBy: faults.tolerates("close-payload-one-byte"),
  }),
  refuses({
    id: "close-reason-not-utf8",
    section: "5.5.1",
    text: "The reason in a close frame is UTF-8.",
    title: "fails the connection on a close reason that is not UTF-8",
    frames: () => [{ opcode: opcode.close, payload: Buffer.concat([closePayload(1000), Buffer.from([0xff, 0xfe])]) }],
    brokenBy: faults.tolerates("close-reason-not-utf8"),
  }),
  refuses({
    id: "close-too-long",
    section: "5.5",
    text: "A control frame has at most 125 bytes of payload.",
    title: "fails the connection on a close frame of 126 bytes",
    frames: () => [{ opcode: opcode.close, payload: closePayload(1000, "r".repeat(124)) }],
    brokenBy: faults.tolerates("control-too-long"),
  }),
  refuses({
    id: "close-fragmented",
    section: "5.5",
    text: "A control frame is not fragmented.",
    title: "fails the connection on a fragmented close frame",
    frames: () => [{ opcode: opcode.close, payload: closePayload(1000), fin: false }],
    brokenBy: faults.tolerates("control-fragmented"),
  }),
];
