// What a scenario works with in one thread: the contract, the target, its slice of the load, and connections in their place.

import pMap, { pMapSkip } from "p-map";
import type { Channel, Contract, Operation } from "../../spec/contract.ts";
import type { Auth } from "../client/credentials.ts";
import { HandshakeRejected } from "../client/dial.ts";
import type { User } from "../client/received.ts";
import type { TestClient } from "../client/test-client.ts";
import { beginCheck } from "../conformance/check.ts";
import type { Context } from "../conformance/context.ts";
import { type OpenedRun, openRun } from "../conformance/open-run.ts";
import { TargetLost, Violation } from "../schema/errors.ts";
import { nowMs } from "./clock.ts";
import type { HttpPart } from "./load-result.ts";
import type { Recorder, Window } from "./recorder.ts";

/** What is asked of a run. Plain data: a worker gets it as it is. */
export interface LoadProfile {
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
  /** Which operation is timed, by its id or the name of its message; undefined: chosen from the document. */
  readonly operation?: string | undefined;
  /** Of `ramp`: how many connections are to be open at the end of each. */
  readonly stages?: readonly Stage[] | undefined;
  /** Of `storm`: the server is restarted, so that it ends the connections itself. */
  readonly restarts?: boolean | undefined;
  readonly seed: number;
}

export interface Stage {
  readonly durationMs: number;
  readonly connections: number;
}

/** Which part of the whole this thread does. */
export interface Slice {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

export interface WorkerContextOptions {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly urls: readonly string[];
  readonly origin: string | undefined;
  readonly insecure: boolean;
  readonly auth: Auth;
  readonly pid: number | undefined;
  readonly profile: LoadProfile;
  readonly slice: Slice;
  /** Stands in the names of logs, the same in all threads. */
  readonly label: string;
  readonly recorder: Recorder;
}

export interface WorkerContext extends WorkerContextOptions {
  readonly context: Context;
  readonly run: OpenedRun["run"];
  /** Which of `total` things, numbered from 0, are this thread's. */
  mine(total: number): readonly number[];
  /** What the thread's slice of the rate is. */
  readonly perSecond: number | undefined;
  /**
   * Opens a connection and sets it up; its history is forgotten.
   * @throws ConnectionFailed where the server refused or closed it, or did not answer
   */
  setup<T>(
    node: number,
    put: (context: Context, testClient: TestClient) => Promise<T>,
    user?: (context: Context) => Promise<User>,
  ): Promise<T>;
  /**
   * All of them, a few at a time. What the server refuses is counted and left out, unless it refuses all from the beginning.
   * `progress` gets how many are there.
   */
  setupAll<T>(items: readonly number[], setup: (item: number) => Promise<T>, progress: (count: number) => void): Promise<T[]>;
  /** Why the first connection that failed did. */
  readonly failure: string | undefined;
  /** Closes what was opened and not handed to a scenario. */
  end(): Promise<void>;
  /** Drops every connection. */
  abort(): Promise<void>;
}

/** One connection of the load could not be set up: the server's doing, so it is counted. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
  /** As it is counted: `HTTP 503`, a close code, `reset`, an error code of the document, or `no answer`. */
  readonly how: string;
  /** Whether it was open before. */
  readonly wasOpen: boolean;
  constructor(how: string, wasOpen: boolean, message: string) {
    super(message);
    this.how = how;
    this.wasOpen = wasOpen;
  }
}

/** What a scenario does after all is in its place. */
export interface ScenarioRun {
  /** Sends as the profile says, from the window's start less the warm-up to its end. */
  play(window: Window): Promise<void>;
  /**
   * What the other threads must know before they can say what is lost: log -> the seqs that were acknowledged here.
   * Waits for the replies that are still to come, at most the profile's timeout: the last publish can be lost as well.
   */
  reached?(): Promise<Reached>;
  /** What members saw of each log, for a run of which this process is one shard. Asked after `settle`. */
  seen?(): Seen;
  /** Waits for what is still to come, and counts what never came. */
  settle(reached: Reached): Promise<void>;
  /** What the scenario judges at its end. Asked after `settle`. */
  facts?(): Facts;
  /** What autocannon did beside, once it is settled. */
  readonly http?: HttpPart | undefined;
  /** Closes what it opened. */
  end(): Promise<void>;
}

/** Name -> numbers, of which those of several threads stand one after the other. Plain data. */
export type Facts = Readonly<Record<string, readonly number[]>>;

/** Log -> what each member of this thread saw of it. */
export type Seen = Readonly<Record<string, readonly SeenByMember[]>>;

/** Plain data. Seqs from `first` to before `next` came, but for those in `missing`. */
export interface SeenByMember {
  /** -1: nothing came. */
  readonly first: number;
  readonly next: number;
  readonly missing: readonly number[];
}

export type Reached = Readonly<Record<string, { readonly lowest: number; readonly highest: number }>>;

const atATime = 32;
/** A server that refuses so many in a row and accepted none will not accept the rest. */
const enoughRefused = 64;
/** The first contact is one connection of many: a server that refuses some may refuse it. */
const firstContacts = 4;
const firstContactMs = 1_000;

/** @throws UsageError, TargetLost */
export async function openWorkerContext(options: WorkerContextOptions): Promise<WorkerContext> {
  const { contract, channel, urls, origin, insecure, auth, pid, profile, slice, recorder } = options;
  const opened = await firstContact(() =>
    openRun({
      contract,
      channel,
      target: { urls, origin, pid, askToStop: undefined, embedded: false },
      auth,
      timeoutMs: profile.timeoutMs,
      insecure,
      label: `${options.label}w${slice.index}`,
    }),
  );
  // It would hear every broadcast, and keep it.
  await opened.probe.end();
  // Without a probe nobody can be asked whether the target lives: each connection fails for itself.
  const run = { ...opened.run, assertTargetAlive: async () => undefined };
  const check = beginCheck(run);
  const clients = new Set<TestClient>();
  let failure: string | undefined;
  let isAborted = false;
  return {
    ...options,
    run,
    get failure() {
      return failure;
    },
    context: check.context,
    perSecond: profile.perSecond === undefined ? undefined : profile.perSecond / slice.count,
    mine: (total) => Array.from({ length: total }, (_, index) => index).filter((index) => index % slice.count === slice.index),
    async setup(node, put, user) {
      const part = check.context.part();
      let client: TestClient | undefined;
      const opened = (one: TestClient) => {
        client = one;
        clients.add(one);
        if (isAborted) one.destroy();
      };
      try {
        const who = await user?.(part.context);
        const testClient = await part.context.dial({
          ...{ node: node % urls.length, stays: true, opened },
          ...(who === undefined ? {} : { user: who }),
        });
        return await put(part.context, testClient);
      } catch (error) {
        throw asConnectionFailed(error, client);
      } finally {
        await part.end();
        if (client?.closed !== undefined) clients.delete(client);
      }
    },
    async setupAll(items, setup, progress) {
      type Ready = Awaited<ReturnType<typeof setup>>;
      let done = 0;
      let refused = 0;
      const one = async (item: number): Promise<Ready | typeof pMapSkip> => {
        if (done === 0 && refused >= enoughRefused) return pMapSkip;
        try {
          const ready = await setup(item);
          progress(++done);
          return ready;
        } catch (error) {
          if (!(error instanceof ConnectionFailed)) throw error;
          refused++;
          failure ??= error.message;
          if (error.wasOpen) recorder.closed(error.how, nowMs());
          else recorder.refused(error.how, nowMs());
          return pMapSkip;
        }
      };
      const ready = await pMap(items, one, { concurrency: atATime });
      if (refused > 0) recorder.notes.add(notPlaced);
      return ready;
    },
    end: () => check.end(),
    async abort() {
      isAborted = true;
      for (const client of clients) client.destroy();
      await check.end();
    },
  };
}

const notPlaced = "some connections could not be set up: they are counted as refused or closed, and the others carried the load";

async function firstContact(open: () => Promise<OpenedRun>): Promise<OpenedRun> {
  const startMs = nowMs();
  for (let left = firstContacts; ; left--) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof TargetLost) || left <= 1 || nowMs() - startMs > firstContactMs) throw error;
    }
  }
}

/** What the server did to one connection; anything else, such as a mistake in the document, is thrown as it is. */
function asConnectionFailed(error: unknown, client: TestClient | undefined): unknown {
  if (!(error instanceof Violation) && !(error instanceof TargetLost)) return error;
  const text = error instanceof Violation ? `the harness waited for ${error.expected} and got ${error.actual}` : error.message;
  if (error instanceof HandshakeRejected) {
    const { answer } = error;
    return new ConnectionFailed(answer.kind === "refused" ? `HTTP ${answer.status}` : "reset", false, text);
  }
  if (client?.closed !== undefined) return new ConnectionFailed(String(client.closed.code), true, text);
  if (client === undefined) return new ConnectionFailed(/\((E[A-Z]+)\)/.exec(text)?.[1] ?? "no answer", false, text);
  return new ConnectionFailed(error instanceof Violation ? error.actual.slice(0, 80) : "no answer", false, text);
}

/** @throws Violation where our own load would break the document: no server could keep it */
export function expectValid(worker: WorkerContext, operation: Operation, text: string, hint: string): void {
  const value: unknown = JSON.parse(text);
  const wrong = worker.context.wrongWith(operation.messages[0]!, value);
  if (wrong.length > 0)
    throw new Violation(`a ${operation.messages[0]} that the document allows`, `${wrong.join("; ")}. ${hint}`);
}
