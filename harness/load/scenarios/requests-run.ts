// echo and mixed: connections that send operations of the contract at a rate; the time to each reply is measured.

import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "../../../spec/contract.ts";
import { withValueAt } from "../../client/messages.ts";
import { satisfyPreconditions, userFor } from "../../client/preconditions.ts";
import type { TestClient } from "../../client/test-client.ts";
import { logRoles } from "../../cluster/log-roles.ts";
import type { Context } from "../../conformance/context.ts";
import { UsageError } from "../../schema/errors.ts";
import { createPrng } from "../../schema/prng.ts";
import { nowMs } from "../clock.ts";
import { unanswered } from "../load-result.ts";
import { freeText, receivable, timedOperation, weighted } from "../operations.ts";
import type { Recorder } from "../recorder.ts";
import { Requester, type Sendable } from "../requester.ts";
import { play } from "../send-loop.ts";
import type { SlowReaders } from "../slow-readers.ts";
import { createTemplate } from "../template.ts";
import { expectValid, type ScenarioRun, type WorkerContext } from "../worker-context.ts";

export function prepareEcho(worker: WorkerContext, progress: (count: number) => void, slow?: SlowReaders): Promise<ScenarioRun> {
  return prepare(worker, timed(worker), progress, slow);
}

/** The one operation whose reply is timed. */
export function timed({ contract, channel, profile }: WorkerContext): ReadonlyMap<Operation, number> {
  return new Map([[timedOperation(contract, channel, profile.operation), 1]]);
}

export function prepareMixed(worker: WorkerContext, progress: (count: number) => void): Promise<ScenarioRun> {
  const { contract, channel, profile } = worker;
  const operations = weighted(
    receivable(contract, channel.id),
    profile.operation === undefined ? profile.weights : { [profile.operation]: 1 },
  );
  if (operations.size === 0) throw new UsageError("mixed needs an operation that can be repeated; name some with --weight");
  return prepare(worker, operations, progress);
}

export interface Ready {
  readonly requester: Requester;
  readonly sendables: readonly Sendable[];
}

export interface Requests {
  /** @throws ConnectionFailed */
  connect(item: number, recorder?: Recorder): Promise<Ready>;
  send(ready: Ready, dueMs: number, then?: () => void): void;
  /** Waits for what is still to come, at most the profile's timeout. */
  settle(ready: readonly Ready[]): Promise<void>;
}

/** Connections that send these operations by weight. */
export function createRequests(worker: WorkerContext, operations: ReadonlyMap<Operation, number>): Requests {
  const { contract, channel, profile, recorder, run } = worker;
  const total = [...operations.values()].reduce((sum, weight) => sum + weight, 0);
  const column = logRoles(contract, channel)?.key.column;
  const content = "x".repeat(profile.payloadBytes);

  async function sendable(
    context: Context,
    client: TestClient,
    operation: Operation,
    keys: Map<string, unknown>,
  ): Promise<Sendable> {
    const message = run.messages.message(operation.messages[0]!);
    const base = await satisfyPreconditions(context, client, operation, keys);
    const template = createTemplate(base, { id: message.correlation, content: freeTextOf(worker, operation, base, content) });
    return { operation, template, id: message.correlation === undefined ? undefined : () => worker.context.id(message.name) };
  }

  const wanted = [...operations.keys()];
  const draw = createPrng(profile.seed + worker.slice.index);
  const choose = (sendables: readonly Sendable[]): Sendable => {
    let left = draw() * total;
    for (const one of sendables) {
      left -= operations.get(one.operation)!;
      if (left < 0) return one;
    }
    return sendables.at(-1)!;
  };
  let isChecked = false;
  return {
    async connect(item, own = recorder) {
      const ready = await worker.setup(
        item,
        async (context, client): Promise<Ready> => {
          const keys = new Map<string, unknown>(
            column === undefined ? [] : [[column, `load-${worker.label}-${item % profile.rooms}`]],
          );
          const sendables: Sendable[] = [];
          for (const operation of wanted) sendables.push(await sendable(context, client, operation, keys));
          return { requester: new Requester(client, contract, run.messages, own), sendables };
        },
        (context) => userFor(context, wanted.find(({ requires }) => requires.some(({ kind }) => kind === "claim")) ?? wanted[0]!),
      );
      if (isChecked) return ready;
      isChecked = true;
      for (const one of ready.sendables)
        expectValid(worker, one.operation, one.template.emit(one.id?.(), content), "Change --operation or --weight.");
      return ready;
    },
    send({ requester, sendables }, dueMs, then) {
      requester.send(choose(sendables), dueMs, content, then);
    },
    async settle(ready) {
      const untilMs = nowMs() + profile.timeoutMs;
      const isDone = () => ready.every(({ requester }) => !requester.socket.isOpen || requester.replies.waiting === 0);
      while (!isDone() && nowMs() < untilMs) await sleep(10);
    },
  };
}

async function prepare(
  worker: WorkerContext,
  operations: ReadonlyMap<Operation, number>,
  progress: (count: number) => void,
  slow?: SlowReaders,
): Promise<ScenarioRun> {
  const { profile, recorder } = worker;
  const requests = createRequests(worker, operations);
  const ready = await worker.setupAll(
    worker.mine(profile.connections),
    async (item) => {
      const own = slow?.recorderFor(item);
      const one = await requests.connect(item, own);
      if (own !== undefined) slow?.add(one.requester.socket, () => one.requester.replies.giveUp());
      return one;
    },
    progress,
  );
  function send(dueMs: number, from: number, then?: () => void): void {
    for (let tried = 0; tried < ready.length; tried++) {
      const one = ready[(from + tried) % ready.length]!;
      if (!one.requester.socket.isOpen) continue;
      requests.send(one, dueMs, then);
      return;
    }
    recorder.refused(unanswered.noneLeft, nowMs());
  }

  return {
    play: (window) => play(worker, window, { sources: ready.length, send }),
    async settle() {
      await requests.settle(ready);
      for (const { requester } of ready)
        if (requester.socket.isOpen && slow?.has(requester.socket) !== true)
          recorder.counts.timeouts += requester.replies.giveUp();
    },
    async end() {
      for (const { requester } of ready) if (requester.socket.isOpen) requester.socket.leave();
    },
  };
}

/** Where the content goes; undefined where no place of the message takes it. */
function freeTextOf(worker: WorkerContext, operation: Operation, base: unknown, content: string): string | undefined {
  if (worker.profile.payloadBytes === 0) return undefined;
  const message = worker.run.messages.message(operation.messages[0]!);
  // What a requirement or an effect reads is no free text.
  const read = JSON.stringify([operation.requires, operation.effects], withoutBindings);
  const pointer = freeText(message, worker.contract.definitions, (one) => read.includes(`"${one}"`));
  if (pointer === undefined) {
    worker.recorder.notes.add(`${operation.id} has no free text, so --payload does not change it`);
    return undefined;
  }
  if (worker.context.wrongWith(message.name, withValueAt(base, pointer, content)).length === 0) return pointer;
  worker.recorder.notes.add(`${operation.id} allows no text of ${content.length} bytes: its example was sent instead`);
  return undefined;
}

/** What is only passed on may be anything. */
const withoutBindings = (key: string, value: unknown) =>
  key === "bindings" ? undefined : value instanceof Map ? [...value] : value;
