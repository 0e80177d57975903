// storm as it runs: each connection comes back as a well-behaved client does, spread as the server asked, backing off where it is refused.
import { setTimeout as sleep } from "node:timers/promises";
import { lookup } from "../../../spec/pointer.ts";
import { createPrng } from "../../schema/prng.ts";
import { nowMs } from "../clock.ts";
import { LoadSocket } from "../load-socket.ts";
import { Recorder } from "../recorder.ts";
import { ConnectionFailed, type ScenarioRun, type WorkerContext } from "../worker-context.ts";

const firstRetryMs = 250;
const longestRetryMs = 5_000;

interface Place {
  readonly item: number;
  socket: LoadSocket;
  /** What the server asked for before it closed. */
  spreadMs: number;
}

export async function prepareStorm(worker: WorkerContext, progress: (count: number) => void): Promise<ScenarioRun> {
  const { profile, recorder, channel } = worker;
  /** Of the connections that are to be dropped: their end is no fault. */
  const before = new Recorder();
  const draw = createPrng(profile.seed + worker.slice.index);
  const announced = channel.closeCodes.flatMap(({ spreadMsAt }) => spreadMsAt ?? []);
  const facts = { dropped: [0], returned: [] as number[], refused: [0], undropped: [0], spread: [] as number[] };
  const pending = new Set<Promise<void>>();
  let dropMs = Number.NaN;
  let endMs = Number.NaN;

  const connect = (item: number, own: Recorder, lost?: () => void, read?: (value: unknown) => void) =>
    worker.setup(
      item,
      async (_context, client) =>
        new LoadSocket(client, own, {
          text: (bytes, start, end) => {
            if (announced.length > 0) read?.(parsed(bytes.toString("utf8", start, end)));
          },
          ...(lost === undefined ? {} : { lost }),
        }),
    );

  function comeBack(place: Place): void {
    if (Number.isNaN(dropMs)) return;
    const one: Promise<void> = goOn(place).finally(() => pending.delete(one));
    pending.add(one);
  }

  async function goOn(place: Place): Promise<void> {
    facts.dropped[0]!++;
    if (place.spreadMs > 0) facts.spread.push(place.spreadMs);
    const lostMs = Math.max(nowMs(), dropMs);
    await sleep(place.spreadMs * draw());
    recorder.sent(lostMs, lostMs);
    for (let retryMs = firstRetryMs; nowMs() < endMs; retryMs = Math.min(longestRetryMs, retryMs * 2)) {
      try {
        place.socket = await connect(place.item, recorder);
        if (!place.socket.isOpen) throw new ConnectionFailed("closed at once", true, "");
        recorder.done(lostMs, nowMs(), 0);
        facts.returned.push(nowMs() - dropMs);
        return;
      } catch (error) {
        if (!(error instanceof ConnectionFailed)) throw error;
        facts.refused[0]!++;
        if (!error.wasOpen) recorder.refused(error.how, nowMs());
        else if (error.how !== "closed at once") recorder.closed(error.how, nowMs());
        await sleep(Math.min(retryMs * (0.5 + draw()), Math.max(0, endMs - nowMs())));
      }
    }
  }

  const places = await worker.setupAll(
    worker.mine(profile.connections),
    async (item) => {
      const place: Partial<Place> & { item: number; spreadMs: number } = { item, spreadMs: 0 };
      place.socket = await connect(
        item,
        before,
        () => comeBack(place as Place),
        (value) => {
          const spreads = announced.map((pointer) => lookup(value, pointer)).filter((one) => typeof one === "number");
          place.spreadMs = Math.max(place.spreadMs, ...spreads);
        },
      );
      return place as Place;
    },
    progress,
  );

  return {
    async play(window) {
      recorder.begin(window);
      await sleep(Math.max(0, window.startMs - nowMs()));
      // A timer may be a part of a millisecond early.
      dropMs = Math.max(nowMs(), window.startMs);
      endMs = window.endMs;
      for (const place of places) {
        if (profile.restarts !== true) {
          place.socket.drop();
          comeBack(place);
        } else if (!place.socket.isOpen) comeBack(place);
      }
      // It is over when all are back.
      while (nowMs() < endMs && facts.returned.length < places.length) await sleep(20);
      facts.undropped[0] = places.length - facts.dropped[0]!;
    },
    async settle() {
      await Promise.all(pending);
    },
    facts: () => facts,
    async end() {
      for (const { socket } of places) if (socket.isOpen) socket.leave();
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
