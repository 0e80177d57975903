// Survival: whatever one client does, the server goes on. A control connection stays open meanwhile, and a new one is accepted after.

import { describeClosed } from "../../../client/format.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { closePayload, encodeFrame, opcode } from "../../../client/wire/frame.ts";
import { NotTestable, TargetLost, Violation } from "../../../schema/errors.ts";
import { describeRefusal } from "../../check.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { clause } from "./clause.ts";

const failText = "An endpoint fails the connection on which the standard is violated, and no other.";
const abnormalText = "A connection that ends without a close frame was closed abnormally; the server releases it and goes on.";

/** One way to treat a server badly. */
interface Provocation {
  /** What comes after `survives-` in the rule's id. */
  readonly id: string;
  readonly what: string;
  readonly section: string;
  readonly text: string;
  trigger(context: Context): Promise<void>;
}

/** Delays after the request at which a connection is reset, in ms: before, while and after the server answers it. */
const resetDelaysMs = [0, 1, 3, 6, 10, 15, 25, 50];
const floodFrames = 2_000;

async function onOne(context: Context, act: (peer: TestClient) => void): Promise<void> {
  const peer = await context.dial();
  act(peer);
  await context.clock.sleep(20);
  if (peer.closed === undefined) peer.reset();
}

const provocations: readonly Provocation[] = [
  {
    ...{ id: "illegal-frames", what: "illegal frames", section: "7.1.7", text: failText },
    async trigger(context) {
      const frames = [
        { opcode: opcode.text, payload: "{}", reserved: 4 },
        { opcode: 0x3 },
        { opcode: opcode.text, payload: "{}", maskKey: "none" as const },
        { opcode: opcode.continuation, payload: "{}" },
        { opcode: opcode.close, payload: closePayload(999) },
        { opcode: opcode.text, payload: Buffer.from([0x22, 0xff, 0x22]) },
      ];
      for (const frame of frames) await onOne(context, (peer) => peer.sendRaw(frame));
    },
  },
  {
    ...{ id: "malformed-text", what: "text that is no message", section: "7.1.7", text: failText },
    async trigger(context) {
      const texts = ["{", "", "null", "[]", '"text"', "1", "{}", '{"type":', "[[[["];
      for (const text of texts) await onOne(context, (peer) => peer.sendText(text));
    },
  },
  {
    ...{ id: "binary-frame", what: "a binary frame", section: "7.1.7", text: failText },
    trigger: (context) => onOne(context, (peer) => peer.sendRaw({ opcode: opcode.binary, payload: Uint8Array.of(0, 255, 1) })),
  },
  {
    ...{ id: "reset-during-upgrade", what: "a TCP reset during the upgrade", section: "7.1.5", text: abnormalText },
    async trigger(context) {
      for (const resetAfterMs of resetDelaysMs) await context.attempt({ resetAfterMs }).catch(ignoreLost);
    },
  },
  {
    ...{ id: "reset-after-upgrade", what: "a TCP reset right after the upgrade", section: "7.1.5", text: abnormalText },
    async trigger(context) {
      for (let count = 0; count < 3; count++) {
        const attempt = await context.attempt();
        if (attempt.kind === "open") attempt.peer.reset();
      }
    },
  },
  {
    ...{ id: "reset-inside-frame", what: "a TCP reset inside a frame", section: "7.1.5", text: abnormalText },
    async trigger(context) {
      const frame = encodeFrame({ opcode: opcode.text, payload: "x".repeat(100), maskKey: 1 });
      for (const bytes of [1, 5, 50]) {
        const peer = await context.dial();
        peer.sendRaw(frame.subarray(0, bytes));
        await context.clock.sleep(5);
        peer.reset();
      }
    },
  },
  {
    ...{ id: "half-close", what: "a TCP half-close", section: "7.1.5", text: abnormalText },
    trigger: (context) => onOne(context, (peer) => peer.endTcp()),
  },
  {
    ...{ id: "flood", what: "a flood of pings whose pongs are not read", section: "5.5.2", text: failText },
    async trigger(context) {
      const peer = await context.dial();
      peer.pause();
      for (let count = 0; count < floodFrames; count++)
        peer.sendRaw(encodeFrame({ opcode: opcode.ping, payload: "x".repeat(100), maskKey: 1 }));
      await context.clock.sleep(100);
      peer.reset();
    },
  },
];

function ignoreLost(error: unknown): void {
  if (!(error instanceof TargetLost)) throw error;
}

/** @param what was done, for the message */
async function expectSurvival(context: Context, control: TestClient, what: string): Promise<void> {
  const fail = (expected: string, actual: string): never => {
    throw new Violation(`${expected} after ${what}`, actual);
  };
  if (control.closed !== undefined) fail("another connection to stay open", describeClosed(control.closed));
  try {
    await control.ping();
    const attempt = await context.attempt();
    if (attempt.kind === "open") return await attempt.peer.hangUp();
    fail("a new connection to be accepted", describeRefusal(attempt));
  } catch (error) {
    if (error instanceof TargetLost) fail("the server to go on", error.message);
    throw error;
  }
}

export const survivalRules: readonly Rule[] = provocations.map(({ id, what, section, text, trigger }) =>
  rule({
    id: `survives-${id}`,
    level: "MUST",
    phase: "frames",
    title: `survives ${what}: other connections stay open and new ones are accepted`,
    from: () => [clause(section, text)],
    alone: "first",
    async check(context) {
      const control = await context.dial({ stays: true });
      try {
        await trigger(context);
      } catch (error) {
        // What the server does to the one that treats it badly is not looked at here.
        if (error instanceof NotTestable) throw error;
        if (!(error instanceof Violation || error instanceof TargetLost)) throw error;
      }
      await expectSurvival(context, control, what);
    },
    brokenBy: () => faults.ignoresPing(),
  }),
);
