// RFC 7692 sections 6 and 7.2: compressed messages of the client, whole, in fragments, empty, and those that are too big once inflated.
import type { Limit } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { opcode } from "../../../client/wire/frame.ts";
import { type DeflateParameters, deflate } from "../../../client/wire/permessage-deflate.ts";
import { NotApplicable, Violation } from "../../../schema/errors.ts";
import { type Answer, answerOf, describeAnswer } from "../../answer.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { deflateClause, deflated, dialCompressed, expectLegalFrames, sendCompressed } from "../compression.ts";
import { fenceRequest, ignoresFence, mustFail, withFence } from "./clause.ts";

interface Row {
  readonly id: string;
  readonly section: string;
  readonly text: string;
  readonly title: string;
  /** Sends the text of a request, compressed in some way. */
  send(client: TestClient, text: string, parameters: DeflateParameters): void;
}

/** A compressed request gets its reply like any other. */
function reads({ id, section, text: says, title, send }: Row): Rule {
  return rule({
    id: `frames-compression-${id}`,
    level: "MUST",
    phase: "frames",
    title,
    from: withFence(deflateClause(section, says)),
    async check(context) {
      const { client, parameters } = await dialCompressed(context);
      const { text, message } = fenceRequest(context);
      send(client, text, parameters);
      await client.replyTo(message);
      expectLegalFrames(client);
    },
    brokenBy: () => faults.compressing(faults.tolerates("compressed")),
  });
}

const inflates = "A receiver appends four bytes to the payload of a compressed message and inflates it.";

/** Two blocks: what is before the flush, and what is after it. */
function inTwoBlocks(text: string, parameters: DeflateParameters): Buffer {
  const half = Math.floor(text.length / 2);
  const first = Buffer.from(text.slice(0, half));
  const flush = Buffer.from([0x00, 0x00, 0xff, 0xff]);
  return Buffer.concat([deflated(text.slice(0, half), parameters), flush, deflated(text.slice(half), parameters, first)]);
}

interface LimitClause extends Clause {
  readonly limit: Limit;
}

function byteLimits({ channel }: ContractUnderTest): readonly LimitClause[] {
  return channel.limits.flatMap((limit) =>
    limit.kind === "message-bytes" && limit.close !== undefined
      ? [{ pointer: limit.pointer, text: limit.description, limit }]
      : [],
  );
}

export const compressionRules: readonly Rule[] = [
  reads({
    id: "request",
    section: "7.2.2",
    text: inflates,
    title: "reads a compressed message",
    send: (client, text, parameters) => sendCompressed(client, deflated(text, parameters)),
  }),
  reads({
    id: "fragmented",
    section: "6",
    text: "The fragments of a compressed message are parts of its payload; RSV1 is set on the first alone.",
    title: "reads a compressed message in fragments",
    send: (client, text, parameters) => sendCompressed(client, deflated(text, parameters), 3),
  }),
  reads({
    id: "stored-block",
    section: "7.2.3.3",
    text: "A message may be made of DEFLATE blocks without compression.",
    title: "reads a compressed message of blocks without compression",
    send: (client, text) => sendCompressed(client, deflate(Buffer.from(text), { level: 0 })),
  }),
  reads({
    id: "several-blocks",
    section: "7.2.3.5",
    text: "A message may be made of several DEFLATE blocks.",
    title: "reads a compressed message of several blocks",
    send: (client, text, parameters) => sendCompressed(client, inTwoBlocks(text, parameters)),
  }),

  rule({
    id: "frames-compression-context-takeover",
    level: "MUST",
    phase: "frames",
    title: "reads a compressed message that refers to an earlier one, unless it negotiated otherwise",
    from: withFence(
      deflateClause("7.1.1.2", "Without client_no_context_takeover the client may use the window of earlier messages."),
    ),
    async check(context) {
      const { client, parameters } = await dialCompressed(context);
      if (parameters.clientNoContextTakeover)
        throw new NotApplicable("the server's answer has client_no_context_takeover: no message may refer to an earlier one");
      let history: Buffer = Buffer.alloc(0);
      for (let count = 0; count < 3; count++) {
        const { text, message } = fenceRequest(context);
        sendCompressed(client, deflated(text, parameters, history));
        await client.replyTo(message);
        history = Buffer.concat([history, Buffer.from(text)]);
      }
    },
    brokenBy: () => faults.compressing(faults.tolerates("compressed")),
  }),

  rule({
    id: "frames-compression-plain-message",
    level: "MUST",
    phase: "frames",
    title: "reads an uncompressed message where permessage-deflate was agreed",
    from: withFence(deflateClause("6", "A message without RSV1 is not compressed, whatever was agreed.")),
    async check(context) {
      const { client, parameters } = await dialCompressed(context);
      for (const compressed of [false, true, false]) {
        const { text, message } = fenceRequest(context);
        if (compressed) sendCompressed(client, deflated(text, parameters));
        else client.sendText(text);
        await client.replyTo(message);
      }
    },
    brokenBy: (_, subject) => faults.compressing(ignoresFence(subject)),
  }),

  rule({
    id: "frames-compression-empty",
    level: "MUST",
    phase: "frames",
    title: "answers an empty compressed message as it answers an empty message",
    from: withFence(deflateClause("7.2.3.6", "An empty message is compressed to the byte 0x00.")),
    async check(context) {
      const plain = await context.dial();
      plain.sendRaw({ opcode: opcode.text, payload: "" });
      const expected = describeKind(await answerOf(context, plain));
      const { client } = await dialCompressed(context);
      sendCompressed(client, Buffer.from([0x00]));
      const answer = await answerOf(context, client);
      if (describeKind(answer) !== expected) throw new Violation(expected, describeAnswer(answer));
    },
    brokenBy: () => faults.compressing(faults.tolerates("compressed")),
  }),

  ...[
    {
      id: "rsv1-on-continuation",
      title: "fails the connection on a continuation frame with RSV1",
      frames: (text: string) => [
        { opcode: opcode.text, payload: text.slice(0, 5), fin: false },
        { opcode: opcode.continuation, payload: text.slice(5), reserved: 4 },
      ],
    },
    {
      id: "rsv1-on-control",
      title: "fails the connection on a control frame with RSV1",
      frames: () => [{ opcode: opcode.ping, reserved: 4 }],
    },
  ].map(({ id, title, frames }) =>
    rule({
      id: `frames-compression-${id}`,
      level: "MUST",
      phase: "frames",
      title,
      from: withFence(
        deflateClause("6", "An endpoint that gets a control frame or a later fragment with RSV1 fails the connection."),
      ),
      async check(context) {
        const { client } = await dialCompressed(context);
        for (const frame of frames(fenceRequest(context).text)) client.sendRaw(frame);
        await mustFail(client);
      },
      brokenBy: () => faults.compressing(faults.tolerates("reserved-bit")),
    }),
  ),

  rule<LimitClause>({
    id: "frames-compression-inflated-limit",
    level: "MUST",
    phase: "frames",
    title: "closes with the declared code when a message inflates to more than the limit",
    from: byteLimits,
    async check(context, { limit }) {
      const { client, parameters } = await dialCompressed(context);
      sendCompressed(client, deflated("x".repeat(context.effective(limit) + 1), parameters));
      await client.closes({ code: limit.close! });
    },
    brokenBy: () => faults.compressing(faults.tolerates("compressed")),
  }),
];

/** Which of several outcomes, with its code: what must be the same for both messages. */
function describeKind(answer: Answer): string {
  const code = answer.kind === "refused" || answer.kind === "closed" ? ` ${answer.code}` : "";
  return `${answer.kind}${code}`;
}
