// The liveness probe: one idle control connection that tells a target that is gone from one that broke a promise.

import { loginsOf } from "../client/first-message.ts";
import type { IncidentalViolation } from "../client/incidental-violation.ts";
import type { Received } from "../client/received.ts";
import type { TestClient } from "../client/test-client.ts";
import { TargetLost, Violation } from "../schema/errors.ts";
import { beginCheck, eventsOf } from "./check.ts";
import { firstContactFailed } from "./connect-diagnosis.ts";
import type { Run } from "./run-state.ts";

export interface LivenessProbe {
  /** What the target said first on it. */
  readonly first: Received | undefined;
  /** False where the target's first message was not the declared one, so that nobody waits for it. */
  readonly firstWorks: boolean;
  /** Whether it answered the fence then. */
  readonly fenceWorks: boolean;
  /** When the connection was lost without our doing, in ms of the run's clock. */
  readonly lostAtMs: readonly number[];
  /** How long each of those had been open, in ms. */
  readonly lostAgesMs: readonly number[];
  /** After what time the target ends connections that do nothing, in ms; undefined where that was not seen. */
  readonly idleEndMs: number | undefined;
  /** Opens the control connection anew, so that its time begins now. */
  renew(): Promise<void>;
  /** Whether the target ends a connection that is so old and does nothing, whatever else happens: waits for it, while nothing else runs. */
  endsIdle(ageMs: number): Promise<boolean>;
  /** @throws TargetLost when the target answers neither on it nor on a new connection */
  assertTargetAlive(): Promise<void>;
  /** What came on it and broke a schema, a standard, or was not for it. Each is given once. */
  takeViolations(): readonly IncidentalViolation[];
  end(): Promise<void>;
}

/** Whether the close code is a decision of the application, by RFC 6455 section 7.4. */
function isRejection(code: number): boolean {
  return code === 1008 || code >= 3000;
}

/** Questions to one connection; asked quickly, many more would be over the rate that a document allows for its fence. */
const askedPerConnection = 40;
/** A control connection that lived longer is not waited for again, in ms. */
const longestIdleMs = 35_000;
/** Events of the control connection that are shown with a violation. */
const shownEvents = 12;

/**
 * Opens the control connection: the first contact with the target.
 * @throws TargetLost where the target accepts no connection, or answers nothing on it
 */
export async function openLivenessProbe(shared: Run): Promise<LivenessProbe> {
  const run: Run = { ...shared, assertTargetAlive: async () => undefined }; // it would ask itself
  let firstWorks = true;
  /** Whether what a connection must say first is answered. */
  let loginWorks = true;
  let check = beginCheck(run);
  const violations: IncidentalViolation[] = [];
  let isOpened = false;
  let openedAtMs = 0;
  let idleEndMs: number | undefined;
  /** So long an idle connection has lived. */
  let outlivedMs = 0;
  let control = await firstContact();
  isOpened = true;
  const { first } = control;
  const fenceWorks = await tryFence();
  const lostAtMs: number[] = [];
  const lostAgesMs: number[] = [];
  let asking: Promise<void> | undefined;
  let asked = 0;

  /** Also lets go of the messages, which nobody else reads. */
  function drain(): void {
    control.takeAll();
    for (const violation of check.violations.splice(0))
      violations.push({ ...violation, frames: eventsOf(run, new Set([violation.connection])).slice(-shownEvents) });
  }

  async function redial(): Promise<TestClient> {
    if (isOpened) drain();
    await check.end();
    check = beginCheck(run);
    openedAtMs = run.clock.nowMs();
    try {
      return await check.context.dial({ stays: loginWorks, awaitFirst: firstWorks, logsIn: loginWorks });
    } catch (error) {
      await check.end();
      throw error;
    }
  }

  /** A first message that is not the declared one is the first failure, not the end: the run goes on with what can still be tested. */
  async function firstContact(): Promise<TestClient> {
    try {
      return await redial();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      if (loginsOf(run).length > 0 || run.channel.limits.some(({ kind }) => kind === "first-message")) {
        // A login that fails is the first failure, not the end.
        loginWorks = false;
        const client = await redial().catch(() => undefined);
        if (client !== undefined) return client;
        loginWorks = true;
      }
      const attempt = await beginCheck(run).context.attempt();
      const diagnosis = firstContactFailed(run.target.urls[0] ?? "", error);
      if (attempt.kind !== "open" || run.channel.handshake?.first === undefined) throw new TargetLost(diagnosis);
      await attempt.client.hangUp();
      if (attempt.client.closed !== undefined && attempt.client.closed.code >= 4000) throw new TargetLost(diagnosis);
      firstWorks = false;
      return redial();
    }
  }

  /** A server that never answers the fence is tested all the same, and known to be alive by its WebSocket pongs. */
  async function tryFence(): Promise<boolean> {
    try {
      await control.fence();
      return true;
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      // A server that fails at the fence is tested all the same; one that rejects us is not the right one, or we lack a credential.
      if (control.closed !== undefined && !isRejection(control.closed.code)) control = await redial();
      if (control.closed === undefined && (await isAnswered(() => control.ping()))) return false;
      await check.end();
      throw new TargetLost(firstContactFailed(run.target.urls[0] ?? "", error));
    }
  }

  async function isAnswered(ask: () => Promise<unknown>): Promise<boolean> {
    try {
      await ask();
      return true;
    } catch (error) {
      if (error instanceof Violation) return false;
      throw error;
    }
  }

  /** One lost reply is no lost target: only what answers neither here nor on a new connection, neither a fence nor a ping, is gone. */
  async function ask(): Promise<void> {
    if (++asked % askedPerConnection === 0 && control.closed === undefined) control = await redial();
    const answers = control.closed === undefined && (await isAnswered(() => (fenceWorks ? control.fence() : control.ping())));
    drain();
    if (answers) return;
    if (control.closed !== undefined && !control.flooded) {
      lostAtMs.push(control.closed.atMs);
      lostAgesMs.push(control.closed.atMs - openedAtMs);
    }
    try {
      control = await redial();
      if (!(await isAnswered(() => control.ping()))) {
        const endsAtPing = fenceWorks && control.closed !== undefined;
        if (endsAtPing) control = await redial();
        if (!endsAtPing || !(await isAnswered(() => control.fence())))
          throw new Violation("an answer on a new connection", "silence");
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      throw new TargetLost(
        `The target no longer answers: a new connection waited for ${error.expected} and got ${error.actual}.`,
      );
    }
  }

  return {
    first,
    firstWorks,
    fenceWorks,
    lostAtMs,
    lostAgesMs,
    get idleEndMs() {
      return idleEndMs;
    },
    async renew() {
      control = await redial();
    },
    async endsIdle(ageMs) {
      if (idleEndMs !== undefined && ageMs >= idleEndMs * 0.8) return true;
      if (ageMs > longestIdleMs || ageMs <= outlivedMs) return false;
      control = await redial();
      const startMs = openedAtMs;
      if (!(await isAnswered(() => control.closes({ withinMs: ageMs * 1.25 + 250 })))) {
        outlivedMs = ageMs;
        return false;
      }
      idleEndMs = (control.closed?.atMs ?? startMs) - startMs;
      control = await redial();
      return true;
    },
    assertTargetAlive() {
      // Many may ask at the same time; one answer serves all.
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    takeViolations() {
      drain();
      return violations.splice(0);
    },
    end: () => check.end(),
  };
}
