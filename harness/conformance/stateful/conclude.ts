// The end of a case: evaluates until nothing is open, a finding decides, or the deadline and a last fence have passed.
import type { TestClient } from "../../client/test-client.ts";
import type { EvaluationResult } from "../../model/evaluation-result.ts";
import type { Protocol } from "../../model/protocol.ts";
import { Violation } from "../../schema/errors.ts";
import type { Context } from "../context.ts";
import type { Broadcasts } from "./broadcasts.ts";
import type { Step } from "./case.ts";

export interface ExecuteOptions {
  /** In place of the contract's deadlines, in ms; used while shrinking. */
  readonly deadlineMs?: number | undefined;
  /** How long to look for what may still come where nothing is found, in ms, default 0: no fence holds for a close that is under way. */
  readonly lingerMs?: number;
  /** A finding of another rule does not end the wait for what these still wait for. Default: a finding of any rule does. */
  readonly asked?: ReadonlySet<string>;
  /** What other cases of the run cause at connections of this one, and this one at theirs. */
  readonly broadcasts?: Broadcasts;
  /** Called before each step, with what it will do or why it is left out. */
  readonly onStep?: (step: Step, index: number) => void;
}

/** What the end of a case needs of it. */
export interface CaseInProgress {
  readonly context: Context;
  readonly protocol: Protocol;
  readonly options: ExecuteOptions;
  clients(): readonly TestClient[];
  /** @param aliveAtMs the target was alive then, and all that it had sent has been read */
  evaluate(aliveAtMs: number): EvaluationResult;
  /** Each open connection proves that it is served. */
  fenceAll(): Promise<void>;
}

export async function conclude(running: CaseInProgress): Promise<EvaluationResult> {
  const { context, options } = running;
  const { clock } = context;
  const aliveAtMs = await outwait(running);
  const evaluate = () => running.evaluate(aliveAtMs);
  if (!isDecided(options, evaluate())) await running.fenceAll();
  let result = evaluate();
  const untilMs = clock.nowMs() + deadlineMsOf(running);
  while (result.open.length > 0 && !isDecided(options, result) && clock.nowMs() < untilMs) {
    await more(context, untilMs);
    result = evaluate();
  }
  if (result.open.length > 0 && !isDecided(options, result)) {
    await running.fenceAll();
    result = evaluate();
  }
  const lingerUntilMs = clock.nowMs() + (options.lingerMs ?? 0);
  while (!isDecided(options, result) && clock.nowMs() < lingerUntilMs) {
    await more(context, lingerUntilMs);
    result = evaluate();
  }
  return result;
}

/** Waits for what the clock alone decides: credentials that expire, all at the same time. @returns until when the target was alive */
async function outwait({ context, options, clients, evaluate }: CaseInProgress): Promise<number> {
  let aliveAtMs = 0;
  for (;;) {
    const result = evaluate(aliveAtMs);
    const timed = result.open.filter(({ decidedAtMs }) => decidedAtMs !== undefined && decidedAtMs > aliveAtMs);
    const dueMs = Math.max(...timed.map(({ decidedAtMs }) => decidedAtMs ?? 0));
    if (timed.length === 0 || isDecided(options, result)) return aliveAtMs;
    const waiting = new Set(timed.map(({ connection }) => connection));
    const awaited = clients().filter(({ connection }) => waiting.has(connection));
    const oneEnded = () => (awaited.some(({ closed }) => closed !== undefined) ? true : undefined);
    try {
      await context.until("a close", oneEnded, { withinMs: Math.max(0, dueMs - context.clock.nowMs()) });
    } catch (error) {
      ignoreViolation(error); // it came after the target had shown that it is alive
      aliveAtMs = dueMs;
    }
  }
}

/** Until something more happens on the connections of the case, or that moment. */
async function more(context: Context, untilMs: number): Promise<void> {
  const known = context.history().length;
  const grown = () => (context.history().length > known ? true : undefined);
  await context.until("something more", grown, { withinMs: Math.max(1, untilMs - context.clock.nowMs()) }).catch(ignoreViolation);
}

function isDecided({ asked }: ExecuteOptions, { findings }: EvaluationResult): boolean {
  return findings.some(({ rule }) => asked === undefined || asked.has(rule));
}

function deadlineMsOf({ context, protocol, options }: CaseInProgress): number {
  const streams = protocol.channel.delivery?.streams ?? [];
  // Without a fence a missing reply is known only after the whole deadline.
  const repliesMs = protocol.fence === undefined ? context.timeoutMs : 0;
  return (options.deadlineMs ?? Math.max(1_000, repliesMs, ...streams.map(({ withinMs }) => withinMs))) + 5;
}

export function ignoreViolation(error: unknown): void {
  if (!(error instanceof Violation)) throw error;
}
