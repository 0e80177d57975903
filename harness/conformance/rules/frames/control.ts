// RFC 6455 section 5.5: pings, pongs, and the bounds of control frames.

import { opcode } from "../../../client/wire/frame.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { clause, fenceRequest, ignoresFence, refuses, withFence } from "./clause.ts";

const pongSays = "A ping is answered by a pong with the same application data.";
const boundsSay = "A control frame has at most 125 bytes of payload and is not fragmented.";

function answersPing(id: string, title: string, payload: Uint8Array): Rule {
  return rule({
    id: `frames-${id}`,
    level: "MUST",
    phase: "frames",
    title,
    from: () => [clause("5.5.3", pongSays)],
    async check(context) {
      const client = await context.dial();
      await client.ping(payload);
    },
    brokenBy: () => [faults.ignoresPing(), ...(payload.length > 0 ? [faults.pongsOther()] : [])],
  });
}

export const controlRules: readonly Rule[] = [
  answersPing("ping-empty", "answers an empty ping", Buffer.alloc(0)),
  answersPing("ping-text", "answers a ping with its payload", Buffer.from("payload")),
  answersPing("ping-binary", "answers a ping whose payload is not UTF-8", Buffer.from([0, 255, 254, 253, 128])),
  answersPing("ping-longest", "answers a ping of 125 bytes", Buffer.alloc(125, 0x2a)),

  rule({
    id: "frames-ping-burst",
    level: "MUST",
    phase: "frames",
    title: "answers at least the last of many pings",
    from: () => [clause("5.5.3", "Of several pings that are not answered yet, at least the last one is.")],
    async check(context) {
      const client = await context.dial();
      for (let count = 0; count < 20; count++) client.sendRaw({ opcode: opcode.ping, payload: `burst ${count}` });
      await client.ping("last");
    },
    brokenBy: () => faults.ignoresPing(),
  }),

  rule({
    id: "frames-unsolicited-pong",
    level: "MUST",
    phase: "frames",
    title: "ignores an unsolicited pong",
    from: withFence(clause("5.5.3", "A pong may come unsolicited; no answer is expected.")),
    async check(context) {
      const client = await context.dial();
      client.sendRaw({ opcode: opcode.pong, payload: "unsolicited" });
      const { text, message } = fenceRequest(context);
      client.sendText(text);
      await client.replyTo(message);
    },
    brokenBy: (_, subject) => ignoresFence(subject),
  }),

  refuses({
    id: "ping-too-long",
    section: "5.5",
    text: boundsSay,
    title: "fails the connection on a ping of 126 bytes",
    frames: () => [{ opcode: opcode.ping, payload: Buffer.alloc(126) }],
    brokenBy: faults.tolerates("control-too-long"),
  }),
  refuses({
    id: "pong-too-long",
    section: "5.5",
    text: boundsSay,
    title: "fails the connection on a pong of 126 bytes",
    frames: () => [{ opcode: opcode.pong, payload: Buffer.alloc(126) }],
    brokenBy: faults.tolerates("control-too-long"),
  }),
  refuses({
    id: "ping-fragmented",
    section: "5.5",
    text: boundsSay,
    title: "fails the connection on a fragmented ping",
    frames: () => [{ opcode: opcode.ping, fin: false }],
    brokenBy: faults.tolerates("control-fragmented"),
  }),
  refuses({
    id: "pong-fragmented",
    section: "5.5",
    text: boundsSay,
    title: "fails the connection on a fragmented pong",
    frames: () => [{ opcode: opcode.pong, fin: false }],
    brokenBy: faults.tolerates("control-fragmented"),
  }),
];
