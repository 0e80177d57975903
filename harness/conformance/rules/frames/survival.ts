// Survival: whatever one client does, the server goes on. A control connection stays open meanwhile, and a new one is accepted after.

import { describeClosed, describeFrame } from "../../../client/format.ts";
import type { RawFrame } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { closePayload, encodeFrame, opcode } from "../../../client/wire/frame.ts";
import { NotTestable, TargetLost, Violation } from "../../../schema/errors.ts";
import { describeRefusal } from "../../check.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import type { DeathCause } from "../../faults/plan.ts";
import { type Rule, rule } from "../../rule.ts";
import { clause, fenceRequest } from "./clause.ts";

const failText = "An endpoint fails the connection on which the standard is violated, and no other.";
const abnormalText = "A connection that ends without a close frame was closed abnormally; the server releases it and goes on.";

/** One way to treat a server badly. */
interface Provocation {
  /** What comes after `survives-` in the rule's id. */
  readonly id: string;
  readonly what: string;
  readonly section: string;
  readonly text: string;
  readonly dies: DeathCause;
  /** @param step called with what is done next; throws once another connection has ended, so that the last one is to blame */
  trigger(context: Context, step: (what: string) => void): Promise<void>;
}

/** Delays after the request at which a connection is reset, in ms: before, while and after the server answers it. Shares of the time that an upgrade takes come on top. */
const resetDelaysMs = [0, 1, 3, 6, 10, 15, 25, 50];
const floodFrames = 2_000;
/** How long the server has to react to one step before the next, in ms. */
const reactMs = 20;

async function onOne(context: Context, act: (client: TestClient) => void): Promise<void> {
  const client = await context.dial();
  act(client);
  await context.clock.sleep(reactMs);
  // Politely, so that no reset is to blame for what the step did.
  await client.hangUp();
}

const provocations: readonly Provocation[] = [
  {
    ...{ id: "illegal-frames", what: "illegal frames", section: "7.1.7", text: failText, dies: "illegal-frame" },
    async trigger(context, step) {
      // A good message within, so that its text is not what is to blame.
      const payload = context.channel.delivery?.fence === undefined ? "{}" : fenceRequest(context).text;
      const frames: readonly RawFrame[] = [
        { opcode: opcode.text, payload, reserved: 4 },
        { opcode: 0x3 },
        { opcode: opcode.text, payload, maskKey: "none" },
        { opcode: opcode.continuation, payload },
        { opcode: opcode.close, payload: closePayload(999) },
        { opcode: opcode.text, payload: Buffer.from([0x22, 0xff, 0x22]) },
      ];
      for (const frame of frames) {
        step(`the frame ${describeFrame(frame)}`);
        await onOne(context, (client) => client.sendRaw(frame));
      }
    },
  },
  {
    ...{ id: "malformed-text", what: "text that is no message", section: "7.1.7", text: failText, dies: "malformed-text" },
    async trigger(context, step) {
      for (const text of ["{", "", "null", "[]", '"text"', "1", "{}", '{"type":', "[[[["]) {
        step(`the text ${JSON.stringify(text)}`);
        await onOne(context, (client) => client.sendText(text));
      }
    },
  },
  {
    ...{ id: "binary-frame", what: "a binary frame", section: "7.1.7", text: failText, dies: "binary-frame" },
    trigger: (context) =>
      onOne(context, (client) => client.sendRaw({ opcode: opcode.binary, payload: Uint8Array.of(0, 255, 1) })),
  },
  {
    ...{ id: "half-close", what: "a TCP half-close", section: "7.1.5", text: abnormalText, dies: "half-close" },
    trigger: (context) => onOne(context, (client) => client.endTcp()),
  },
  {
    ...{ id: "reset-inside-frame", what: "a TCP reset inside a frame", section: "7.1.5", text: abnormalText },
    dies: "reset-inside-frame",
    async trigger(context, step) {
      const frame = encodeFrame({ opcode: opcode.text, payload: "x".repeat(100), maskKey: 1 });
      for (const bytes of [1, 5, 50]) {
        step(`a reset after ${bytes} bytes of a frame`);
        const client = await context.dial();
        client.sendRaw(frame.subarray(0, bytes));
        await context.clock.sleep(reactMs);
        client.reset();
        await context.clock.sleep(reactMs);
      }
    },
  },
  {
    ...{ id: "reset-after-upgrade", what: "a TCP reset right after the upgrade", section: "7.1.5", text: abnormalText },
    dies: "reset-after-upgrade",
    async trigger(context) {
      for (let count = 0; count < 3; count++) {
        const attempt = await context.attempt();
        if (attempt.kind === "open") attempt.client.reset();
      }
      await context.clock.sleep(reactMs);
    },
  },
  {
    ...{ id: "reset-during-upgrade", what: "a TCP reset during the upgrade", section: "7.1.5", text: abnormalText },
    dies: "reset-during-upgrade",
    async trigger(context, step) {
      const startMs = context.clock.nowMs();
      const attempt = await context.attempt();
      const upgradeMs = context.clock.nowMs() - startMs;
      if (attempt.kind === "open") await attempt.client.hangUp();
      const within = [0.1, 0.3, 0.5, 0.7, 0.9].map((share) => Math.round(share * upgradeMs));
      for (const resetAfterMs of [...resetDelaysMs, ...within]) {
        step(`a reset ${resetAfterMs} ms after the handshake request`);
        await context.attempt({ resetAfterMs }).catch(ignoreLost);
      }
      await context.clock.sleep(reactMs);
    },
  },
  {
    ...{ id: "flood", what: "a flood of pings whose pongs are not read", section: "5.5.2", text: failText, dies: "flood" },
    async trigger(context) {
      const client = await context.dial();
      client.pause();
      const ping = encodeFrame({ opcode: opcode.ping, payload: "x".repeat(100), maskKey: 1 });
      client.sendRaw(Buffer.concat(Array.from({ length: floodFrames }, () => ping)));
      await context.clock.sleep(100);
      client.reset();
    },
  },
];

function ignoreLost(error: unknown): void {
  if (!(error instanceof TargetLost)) throw error;
}

/** By the fence, since a server may end at our ping: that is another rule's finding. By a ping where no fence has ever been answered. */
async function expectAnswer(context: Context, control: TestClient): Promise<void> {
  if (context.channel.delivery?.fence !== undefined) {
    try {
      await control.fence();
      return;
    } catch (error) {
      if (!(error instanceof TargetLost)) throw error;
    }
  }
  await control.ping();
}

/** @param what was done, for the message */
async function expectSurvival(context: Context, control: TestClient, what: string): Promise<void> {
  const fail = (expected: string, actual: string): never => {
    throw new Violation(`${expected} after ${what}`, actual);
  };
  if (control.closed !== undefined) fail("another connection to stay open", describeClosed(control.closed));
  try {
    await expectAnswer(context, control);
    const attempt = await context.attempt();
    if (attempt.kind === "open") return await attempt.client.hangUp();
    fail("a new connection to be accepted", describeRefusal(attempt));
  } catch (error) {
    if (error instanceof TargetLost) fail("the server to keep running", error.message);
    if (error instanceof Violation && !error.expected.includes(" after ")) fail(error.expected, error.actual);
    throw error;
  }
}

export const survivalRules: readonly Rule[] = provocations.map(({ id, what, section, text, dies, trigger }) =>
  rule({
    id: `survives-${id}`,
    level: "MUST",
    phase: "frames",
    title: `survives ${what}: other connections stay open and new ones are accepted`,
    from: () => [clause(section, text)],
    alone: "first",
    async check(context) {
      const control = await context.dial({ stays: true });
      let last = what;
      const step = (next: string) => {
        if (control.closed !== undefined) throw new Violation("another connection to stay open", describeClosed(control.closed));
        last = next;
      };
      try {
        await trigger(context, step);
      } catch (error) {
        // What the server does to the one that treats it badly is not looked at here.
        if (error instanceof NotTestable) throw error;
        if (!(error instanceof Violation || error instanceof TargetLost)) throw error;
      }
      await expectSurvival(context, control, last);
    },
    brokenBy: () => faults.dies(dies),
  }),
);
