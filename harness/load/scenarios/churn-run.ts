// churn as it runs: each cycle has a connection, and a user, of its own.
import type { Operation } from "../../../spec/contract.ts";
import { satisfyPreconditions, userFor } from "../../client/preconditions.ts";
import { UsageError } from "../../schema/errors.ts";
import { nowMs } from "../clock.ts";
import { timedOperation } from "../operations.ts";
import { play } from "../send-loop.ts";
import { ConnectionFailed, type ScenarioRun, type WorkerContext } from "../worker-context.ts";

export async function prepareChurn(worker: WorkerContext): Promise<ScenarioRun> {
  const { recorder } = worker;
  const operation = work(worker);
  const pending = new Set<Promise<void>>();

  async function cycle(dueMs: number, index: number, then?: () => void): Promise<void> {
    recorder.sent(dueMs, nowMs());
    try {
      await worker.setup(
        index,
        async (context, client) => {
          if (operation !== undefined) {
            const reply = await client.request(await satisfyPreconditions(context, client, operation));
            if (recorder.isMeasured(dueMs)) recorder.counts.replied++;
            const code = context.errorCode(reply);
            if (code !== undefined) recorder.refused(String(code), nowMs());
          }
          await client.hangUp();
          recorder.done(dueMs, nowMs(), 0);
        },
        operation === undefined ? undefined : (context) => userFor(context, operation),
      );
    } catch (error) {
      if (!(error instanceof ConnectionFailed)) throw error;
      if (error.wasOpen) recorder.closed(error.how, nowMs());
      else recorder.refused(error.how, nowMs());
    }
    then?.();
  }

  return {
    play: (window) =>
      play(worker, window, {
        sources: 1,
        send(dueMs, index, then) {
          const one: Promise<void> = cycle(dueMs, index, then).finally(() => pending.delete(one));
          pending.add(one);
        },
      }),
    async settle() {
      await Promise.all(pending);
    },
    end: async () => undefined,
  };
}

/** Undefined where the document has no reply to wait for: then a cycle is connect and leave. */
function work({ contract, channel, profile, recorder }: WorkerContext): Operation | undefined {
  try {
    return timedOperation(contract, channel, profile.operation);
  } catch (error) {
    if (!(error instanceof UsageError) || profile.operation !== undefined) throw error;
    recorder.notes.add("the document has no operation with a reply: a cycle connects and leaves");
    return undefined;
  }
}
