// idle: connections that do nothing but answer heartbeats: what each costs the server's memory, and whether it keeps them.
import { setTimeout as sleep } from "node:timers/promises";
import { nowMs } from "../clock.ts";
import { LoadSocket } from "../load-socket.ts";
import type { ScenarioRun, WorkerContext } from "../worker-context.ts";

export async function prepareIdle(worker: WorkerContext, progress: (count: number) => void): Promise<ScenarioRun> {
  const { profile, recorder } = worker;
  const sockets = await worker.setupAll(
    worker.mine(profile.connections),
    (item) => worker.setup(item, async (_context, client) => new LoadSocket(client, recorder, { text: () => undefined })),
    progress,
  );
  return {
    async play(window) {
      recorder.begin(window);
      await sleep(Math.max(0, window.endMs - nowMs()));
    },
    async settle() {
      recorder.counts.done = sockets.filter(({ isOpen }) => isOpen).length;
    },
    async end() {
      for (const socket of sockets) if (socket.isOpen) socket.leave();
    },
  };
}
