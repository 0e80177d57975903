// A bystander: one idle connection that tells a stalled or restarted target from one that broke a promise.

import type { Received } from "../client/received.ts";
import type { TestClient } from "../client/test-client.ts";
import { TargetLost, Violation } from "../schema/errors.ts";
import { beginCheck } from "./check.ts";
import type { Run } from "./run-state.ts";

export interface LivenessProbe {
  /** What the target said first on it. */
  readonly first: Received | undefined;
  /** Whether it answered the fence then. */
  readonly fenceWorks: boolean;
  /** When the connection was lost without our doing, in ms of the run's clock. */
  readonly lostAtMs: readonly number[];
  /** @throws TargetLost when the target answers neither on it nor a new connection */
  assertTargetAlive(): Promise<void>;
  end(): Promise<void>;
}

/** Questions to one connection; asked quickly, many more would be over the rate that a document allows for its fence. */
const askedPerConnection = 40;

/**
 * Opens the bystander's connection: the first contact with the target.
 * @throws TargetLost or Violation where the target is none that can be judged
 */
export async function openLivenessProbe(shared: Run): Promise<LivenessProbe> {
  const run: Run = { ...shared, assertTargetAlive: async () => undefined }; // it would ask itself
  let check = beginCheck(run);
  let peer = await redial();
  const { first } = peer;
  const fenceWorks = await tryFence();
  const lostAtMs: number[] = [];
  let asking: Promise<void> | undefined;
  let asked = 0;

  async function redial(): Promise<TestClient> {
    await check.end();
    check = beginCheck(run);
    try {
      return await check.context.dial({ stays: true });
    } catch (error) {
      await check.end();
      throw error;
    }
  }

  /** A server that never answers the fence is judged all the same, and known to be alive by its WebSocket pongs. */
  async function tryFence(): Promise<boolean> {
    try {
      await peer.fence();
      return true;
    } catch (error) {
      if (error instanceof Violation && peer.closed === undefined) return false;
      await check.end();
      throw error;
    }
  }

  async function ask(): Promise<void> {
    try {
      if (++asked % askedPerConnection === 0 && peer.closed === undefined) peer = await redial();
      if (peer.closed === undefined) await (fenceWorks ? peer.fence() : peer.ping()).catch(ignoreEnd);
      peer.takeAll();
      if (peer.closed === undefined) return;
      lostAtMs.push(peer.closed.atMs);
      peer = await redial();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      throw new TargetLost(
        `The target does not answer: on an idle connection the harness waited for ${error.expected} and got ${error.actual}.`,
      );
    }
  }

  function ignoreEnd(error: unknown): void {
    if (peer.closed === undefined) throw error;
  }

  return {
    first,
    fenceWorks,
    lostAtMs,
    assertTargetAlive() {
      // Many may ask at the same time; one answer serves all.
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    end: () => check.end(),
  };
}
