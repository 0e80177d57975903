// A worker thread of the load generator: does its slice as the lead says.
import { parentPort, workerData } from "node:worker_threads";
import type { FromWorker, ToWorker } from "./worker-pool.ts";
import { openSlice, type SliceOptions } from "./worker-slice.ts";

const tellEveryMs = 500;

const say = (message: FromWorker) => parentPort?.postMessage(message);

async function work(): Promise<void> {
  const slice = await openSlice(workerData as SliceOptions);
  setInterval(() => say({ say: "progress", progress: slice.progress() }), tellEveryMs);
  say({ say: "opened", failure: slice.failure, progress: slice.progress() });
  parentPort?.on("message", (message: ToWorker) => {
    answer(message).catch(fail);
  });

  async function answer(message: ToWorker): Promise<void> {
    if (message.say === "play") say({ say: "reached", reached: await slice.play(message.window) });
    else if (message.say === "settle") say({ say: "result", result: await slice.settle(message.reached) });
    else {
      await slice.end();
      // In the middle of a run there are timers that go on to its end.
      process.exit();
    }
  }
}

function fail(error: unknown): void {
  const { name, message, stack } = error as Error;
  const isOurs = !["UsageError", "TargetLost", "Violation"].includes(name);
  say({ say: "failed", name, message: isOurs ? (stack ?? message) : message });
}

work().catch(fail);
