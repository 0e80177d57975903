// RFC 6455 section 5.4: a message in several frames, and what may come between them.

import type { TestClient } from "../../../client/test-client.ts";
import { encodeFrame, opcode } from "../../../client/wire/frame.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { clause, fenceRequest, ignoresFence, mustAnswerClose, refuses, withFence } from "./clause.ts";

const fragmentsSay =
  "A message may come in several frames: the first with its opcode, the others as continuations, the last with FIN.";
const interleavedSays = "Control frames may come between the fragments of a message, and are answered at once.";

/** Sends `text` cut into `parts` frames of about the same size; `between` runs after each but the last. */
async function sendInParts(
  client: TestClient,
  text: string,
  parts: number,
  between?: (index: number) => Promise<void>,
): Promise<void> {
  const bytes = Buffer.from(text);
  const size = Math.ceil(bytes.length / parts);
  for (let index = 0; index < parts; index++) {
    const last = index === parts - 1;
    client.sendRaw({
      opcode: index === 0 ? opcode.text : opcode.continuation,
      payload: bytes.subarray(index * size, last ? undefined : (index + 1) * size),
      fin: last,
    });
    if (!last) await between?.(index);
  }
}

function inParts(id: string, title: string, parts: (bytes: number) => number): Rule {
  return rule({
    id: `frames-${id}`,
    level: "MUST",
    phase: "frames",
    title,
    from: withFence(clause("5.4", fragmentsSay)),
    async check(context) {
      const client = await context.dial();
      const { text, message: request } = fenceRequest(context);
      await sendInParts(client, text, parts(Buffer.byteLength(text)));
      await client.replyTo(request);
    },
    brokenBy: (_, subject) => ignoresFence(subject),
  });
}

/** The empty frame stands first, in the middle or last. */
function withEmptyFrame(id: string, at: "first" | "middle" | "last"): Rule {
  return rule({
    id: `frames-${id}`,
    level: "MUST",
    phase: "frames",
    title: `accepts a message with an empty ${at} fragment`,
    from: withFence(clause("5.4", fragmentsSay)),
    async check(context) {
      const client = await context.dial();
      const { text, message: request } = fenceRequest(context);
      const payloads = { first: ["", text], middle: [text.slice(0, 5), "", text.slice(5)], last: [text, ""] }[at];
      payloads.forEach((payload, index) => {
        client.sendRaw({ opcode: index === 0 ? opcode.text : opcode.continuation, payload, fin: index === payloads.length - 1 });
      });
      await client.replyTo(request);
    },
    brokenBy: (_, subject) => ignoresFence(subject),
  });
}

export const fragmentationRules: readonly Rule[] = [
  inParts("two-fragments", "accepts a message in two fragments", () => 2),
  inParts("many-fragments", "accepts a message in fragments of one byte", (bytes) => bytes),
  withEmptyFrame("empty-first-fragment", "first"),
  withEmptyFrame("empty-middle-fragment", "middle"),
  withEmptyFrame("empty-last-fragment", "last"),

  rule({
    id: "frames-ping-between-fragments",
    level: "MUST",
    phase: "frames",
    title: "answers a ping between two fragments, then accepts the message",
    from: withFence(clause("5.4", interleavedSays)),
    async check(context) {
      const client = await context.dial();
      const { text, message } = fenceRequest(context);
      await sendInParts(client, text, 3, (index) => client.ping(`between ${index}`));
      await client.replyTo(message);
    },
    brokenBy: () => faults.ignoresPing(),
  }),

  rule({
    id: "frames-pong-between-fragments",
    level: "MUST",
    phase: "frames",
    title: "accepts an unsolicited pong between two fragments",
    from: withFence(clause("5.4", interleavedSays)),
    async check(context) {
      const client = await context.dial();
      const { text, message } = fenceRequest(context);
      await sendInParts(client, text, 2, async () => client.sendRaw({ opcode: opcode.pong, payload: "unsolicited" }));
      await client.replyTo(message);
    },
    brokenBy: (_, subject) => ignoresFence(subject),
  }),

  rule({
    id: "frames-close-between-fragments",
    level: "MUST",
    phase: "frames",
    title: "answers a close between two fragments with a close",
    from: () => [clause("5.4", interleavedSays)],
    async check(context) {
      const client = await context.dial();
      client.sendRaw({ opcode: opcode.text, payload: "{", fin: false });
      await client.hangUp(1000);
      await mustAnswerClose(client);
    },
    brokenBy: () => faults.ignoresClose(),
  }),

  refuses({
    id: "continuation-without-start",
    section: "5.4",
    text: fragmentsSay,
    title: "fails the connection on an unexpected continuation frame",
    frames: (payload) => [{ opcode: opcode.continuation, payload }],
    brokenBy: faults.tolerates("continuation-without-start"),
  }),

  refuses({
    id: "continuation-after-end",
    section: "5.4",
    text: fragmentsSay,
    title: "fails the connection on a continuation after the last fragment",
    frames: (message) => [
      { opcode: opcode.text, payload: message.slice(0, 1), fin: false },
      { opcode: opcode.continuation, payload: message.slice(1) },
      { opcode: opcode.continuation, payload: "}" },
    ],
    brokenBy: faults.tolerates("continuation-without-start"),
  }),

  refuses({
    id: "new-message-inside-message",
    section: "5.4",
    text: "The fragments of one message are not interleaved with those of another.",
    title: "fails the connection when a new message begins before the last one has ended",
    frames: (payload) => [
      { opcode: opcode.text, payload: payload.slice(0, 1), fin: false },
      { opcode: opcode.text, payload },
    ],
    brokenBy: faults.tolerates("start-inside-fragments"),
  }),

  rule({
    id: "frames-fragments-add-up",
    level: "MUST",
    phase: "frames",
    title: "counts all fragments of a message against the size limit",
    from: ({ channel }) =>
      channel.limits
        .filter(({ kind }) => kind === "message-bytes")
        .map(({ pointer, description }) => ({ pointer, text: description })),
    async check(context, { pointer }) {
      const limit = context.channel.limits.find((one) => one.pointer === pointer)!;
      const bytes = context.effective(limit);
      const client = await context.dial();
      const half = Buffer.alloc(Math.ceil(bytes / 2) + 1, 0x20);
      // In one write: servers were seen to count fragments that arrive one by one, and not those that arrive together.
      const first = encodeFrame({ opcode: opcode.text, payload: half, fin: false, maskKey: 9 });
      client.sendRaw(Buffer.concat([first, encodeFrame({ opcode: opcode.continuation, payload: half, maskKey: 9 })]));
      await client.closes(limit.close === undefined ? {} : { code: limit.close });
    },
    brokenBy: () => faults.tolerates("too-big"),
  }),
];
