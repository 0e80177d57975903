// ramp as it runs: connections are opened and left while others send.
import { setTimeout as sleep } from "node:timers/promises";
import pMap from "p-map";
import { UsageError } from "../../schema/errors.ts";
import { nowMs } from "../clock.ts";
import { unanswered } from "../load-result.ts";
import { keepPace } from "../pace.ts";
import { connectionsAt, mostConnections } from "../stages.ts";
import { ConnectionFailed, type ScenarioRun, type WorkerContext } from "../worker-context.ts";
import { createRequests, type Ready, timed } from "./requests-run.ts";

const everyMs = 100;
/** Connections that are opened at once. */
const atOnce = 32;

export async function prepareRamp(worker: WorkerContext): Promise<ScenarioRun> {
  const { profile, recorder, perSecond } = worker;
  const { stages } = profile;
  if (stages === undefined) throw new UsageError("ramp needs --stages such as 10s:100,30s:500");
  if (perSecond === undefined) throw new UsageError("ramp sends on a schedule: give --rate instead of --in-flight");
  const requests = createRequests(worker, timed(worker));
  const mine = worker.mine(mostConnections(profile));
  const open = new Map<number, Ready>();
  const facts: Record<string, number[]> = {};

  async function openOne(item: number): Promise<void> {
    try {
      open.set(item, await requests.connect(item));
    } catch (error) {
      if (!(error instanceof ConnectionFailed)) throw error;
      if (error.wasOpen) recorder.closed(error.how, nowMs());
      else recorder.refused(error.how, nowMs());
    }
  }

  /** Keeps as many open as the stages want; one that failed or was closed is not opened again. */
  async function follow(startMs: number, endMs: number): Promise<void> {
    const tried = new Set<number>();
    const ends = stages!.map((_, at) => stages!.slice(0, at + 1).reduce((sum, { durationMs }) => sum + durationMs, 0));
    for (let at = 0; nowMs() < endMs || at < ends.length; ) {
      const elapsedMs = nowMs() - startMs;
      const wanted = connectionsAt(stages!, elapsedMs);
      for (const [item, ready] of open)
        if (item >= wanted) {
          open.delete(item);
          tried.delete(item);
          ready.requester.socket.leave();
        }
      const missing = mine.filter((item) => item < wanted && !tried.has(item)).slice(0, atOnce);
      for (const item of missing) tried.add(item);
      await pMap(missing, openOne, { concurrency: atOnce });
      while (at < ends.length && elapsedMs >= ends[at]!) facts[`open ${at++}`] = [openCount()];
      await sleep(missing.length < atOnce ? everyMs : 0);
    }
  }
  const openCount = () => [...open.values()].filter(({ requester }) => requester.socket.isOpen).length;

  return {
    async play(window) {
      recorder.begin(window);
      const { startMs, endMs } = window;
      await sleep(Math.max(0, startMs - nowMs()));
      const following = follow(startMs, endMs);
      recorder.counts.turnedMs += await keepPace({
        ...{ perSecond, startMs, endMs },
        send(dueMs, index) {
          // The slots of connections that are not to be open yet stay empty.
          const item = mine[index % mine.length];
          const ready = item === undefined ? undefined : open.get(item);
          if (ready === undefined) return;
          if (ready.requester.socket.isOpen) requests.send(ready, dueMs);
          else recorder.refused(unanswered.noneLeft, nowMs());
        },
      });
      await following;
    },
    async settle() {
      await requests.settle([...open.values()]);
      for (const { requester } of open.values())
        if (requester.socket.isOpen) recorder.counts.timeouts += requester.replies.giveUp();
    },
    facts: () => facts,
    async end() {
      for (const { requester } of open.values()) if (requester.socket.isOpen) requester.socket.leave();
    },
  };
}
