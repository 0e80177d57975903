// Connections that stop reading for the second half of a run and then read on: each must get all that it missed, or be closed.
import { nowMs } from "./clock.ts";
import type { LoadSocket } from "./load-socket.ts";
import { Recorder, type Window } from "./recorder.ts";
import type { Facts, ScenarioRun, WorkerContext } from "./worker-context.ts";

/** One connection in so many is slow, and at least one. */
const oneIn = 10;

export class SlowReaders {
  /** What slow ones get is no part of the figures: it is never told of a window. */
  readonly #recorder = new Recorder();
  readonly #firstSlow: number;
  readonly #missing = new Map<LoadSocket, () => number>();

  /** @param total connections of the whole run, the last of which are slow */
  constructor(total: number) {
    this.#firstSlow = total - Math.max(1, Math.floor(total / oneIn));
  }

  /** Undefined where the connection with this number is not slow. */
  recorderFor(item: number): Recorder | undefined {
    return item >= this.#firstSlow ? this.#recorder : undefined;
  }

  /** @param missing how much of what it should have got never came, asked when all is settled */
  add(socket: LoadSocket, missing: () => number): void {
    this.#missing.set(socket, missing);
  }

  has(socket: LoadSocket): boolean {
    return this.#missing.has(socket);
  }

  /** The run with its slow readers. */
  around(run: ScenarioRun, { recorder }: WorkerContext): ScenarioRun {
    return {
      ...run,
      play: async (window: Window) => {
        const pauseMs = (window.startMs + window.endMs) / 2;
        const timer = setTimeout(
          () => {
            for (const socket of this.#missing.keys()) socket.pause();
          },
          Math.max(0, pauseMs - nowMs()),
        );
        await run.play(window);
        clearTimeout(timer);
        for (const socket of this.#missing.keys()) socket.resume();
      },
      facts: () => this.#facts(recorder),
    };
  }

  #facts(recorder: Recorder): Facts {
    const { duplicated, disordered, unexpected } = this.#recorder.counts;
    const open = [...this.#missing].filter(([socket]) => socket.isOpen).map(([, missing]) => missing());
    const { closed } = this.#recorder.end();
    recorder.counts.duplicated += duplicated;
    recorder.counts.disordered += disordered;
    recorder.counts.unexpected += unexpected;
    return {
      slow: [this.#missing.size],
      complete: [open.filter((one) => one === 0).length],
      incomplete: [open.filter((one) => one > 0).length],
      ...Object.fromEntries(Object.entries(closed).map(([how, count]) => [`closed ${how}`, [count]])),
    };
  }
}
