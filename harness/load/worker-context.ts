// What a scenario works with in one thread: the contract, the target, its share of the load, and connections in their place.

import type { Channel, Contract, Operation } from "../../spec/contract.ts";
import type { Auth } from "../client/credentials.ts";
import type { User } from "../client/received.ts";
import type { TestClient } from "../client/test-client.ts";
import { beginCheck } from "../conformance/check.ts";
import type { Context } from "../conformance/context.ts";
import { type OpenedRun, openRun } from "../conformance/open-run.ts";
import { Violation } from "../schema/errors.ts";
import type { HttpPart } from "./load-result.ts";
import type { Recorder, Window } from "./recorder.ts";

/** What is asked of a run. Plain data: a worker gets it as it is. */
export interface Demand {
  readonly connections: number;
  readonly rooms: number;
  /** Of each room. */
  readonly members: number;
  /** Per second over all threads; undefined: as many as `inFlight` allows. */
  readonly perSecond: number | undefined;
  /** Unanswered ones of each room or connection in the closed model. */
  readonly inFlight: number;
  readonly payloadBytes: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
  readonly timeoutMs: number;
  /** Operation id -> how often it is chosen. Empty: all that can be, evenly. */
  readonly weights: Readonly<Record<string, number>>;
  readonly seed: number;
}

/** Which part of the whole this thread does. */
export interface Share {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

export interface StageOptions {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly urls: readonly string[];
  readonly origin: string | undefined;
  readonly insecure: boolean;
  readonly auth: Auth;
  readonly pid: number | undefined;
  readonly demand: Demand;
  readonly share: Share;
  /** Stands in the names of logs, the same in all threads. */
  readonly label: string;
  readonly recorder: Recorder;
}

export interface Stage extends StageOptions {
  readonly context: Context;
  readonly run: OpenedRun["run"];
  /** Which of `total` things, numbered from 0, are this thread's. */
  mine(total: number): readonly number[];
  /** What the thread's share of the rate is. */
  readonly perSecond: number | undefined;
  /** Opens a connection, brings it where it shall be, and forgets how it got there. */
  place<T>(
    node: number,
    put: (context: Context, peer: TestClient) => Promise<T>,
    user?: (context: Context) => Promise<User>,
  ): Promise<T>;
  /** All of them, so many at a time. `progress` gets how many are there. */
  placeAll<T>(items: readonly number[], place: (item: number) => Promise<T>, progress: (count: number) => void): Promise<T[]>;
  end(): Promise<void>;
}

/** What a scenario does after all is in its place. */
export interface Act {
  /** Sends as the demand says, from the window's start less the warm-up to its end. */
  play(window: Window): Promise<void>;
  /**
   * What the other threads must know before they can say what is lost: log -> the seqs that were acknowledged here.
   * Waits for the replies that are still to come, at most the demand's timeout: the last publish can be lost as well.
   */
  reached?(): Promise<Reached>;
  /** Waits for what is still to come, and counts what never came. */
  settle(reached: Reached): Promise<void>;
  /** What autocannon did beside, once it is settled. */
  readonly http?: HttpPart | undefined;
  /** Closes what it opened. */
  end(): Promise<void>;
}

export type Reached = Readonly<Record<string, { readonly lowest: number; readonly highest: number }>>;

const atATime = 32;

/** @throws UsageError, TargetLost */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { contract, channel, urls, origin, insecure, auth, pid, demand, share } = options;
  const opened = await openRun({
    contract,
    channel,
    target: { urls, origin, pid, askToStop: undefined, embedded: false },
    auth,
    timeoutMs: demand.timeoutMs,
    insecure,
    label: `${options.label}w${share.index}`,
  });
  // It would hear every broadcast, and keep it.
  await opened.probe.end();
  const check = beginCheck(opened.run);
  return {
    ...options,
    run: opened.run,
    context: check.context,
    perSecond: demand.perSecond === undefined ? undefined : demand.perSecond / share.count,
    mine: (total) => Array.from({ length: total }, (_, index) => index).filter((index) => index % share.count === share.index),
    async place(node, put, user) {
      const part = check.context.part();
      try {
        const who = await user?.(part.context);
        const peer = await part.context.dial({
          node: node % urls.length,
          stays: true,
          ...(who === undefined ? {} : { user: who }),
        });
        return await put(part.context, peer);
      } finally {
        await part.end();
      }
    },
    async placeAll(items, place, progress) {
      const placed: Awaited<ReturnType<typeof place>>[] = new Array(items.length);
      let next = 0;
      let done = 0;
      const lane = async () => {
        while (next < items.length) {
          const at = next++;
          placed[at] = await place(items[at]!);
          progress(++done);
        }
      };
      await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, lane));
      return placed;
    },
    end: () => check.end(),
  };
}

/** @throws Violation where our own load would break the document: no server could keep it */
export function expectValid(stage: Stage, operation: Operation, text: string, hint: string): void {
  const value: unknown = JSON.parse(text);
  const wrong = stage.context.wrongWith(operation.messages[0]!, value);
  if (wrong.length > 0)
    throw new Violation(`a ${operation.messages[0]} that the document allows`, `${wrong.join("; ")}. ${hint}`);
}
