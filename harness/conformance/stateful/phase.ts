// The phase stateful: generated cases run side by side and are evaluated by the model; failures are confirmed, shrunk and stored.

import { promisesOf } from "../../model/coverage.ts";
import { createProtocol, type Protocol } from "../../model/protocol.ts";
import { NotTestable } from "../../schema/errors.ts";
import type { Context } from "../context.ts";
import { ReproducedViolation } from "../evidence.ts";
import type { Phase } from "../phase.ts";
import type { Rule } from "../rule.ts";
import { statefulRules } from "../rules/stateful/rules.ts";
import { describeStep, hasKeys, isSlow, type StatefulCase } from "./case.ts";
import { confirm } from "./confirm.ts";
import type { StatefulEvidence } from "./evidence.ts";
import type { Executed } from "./execute.ts";
import { failuresFolder, idOf, storeFailure } from "./failures.ts";
import { runCases } from "./run-cases.ts";
import { shortLivedGraceMs } from "./short-lived-tokens.ts";

/** No further cases once this many have failed. */
const maxFailing = 3;
/** For all shrinking of a run together. */
const shrinkMs = 8_000;
/** For that of one case that waits for the end of a credential. */
const slowShrinkMs = 20_000;
/** The share of cases in which credentials expire, with a least and a most. */
const expiring = { oneIn: 6, least: 12, most: 24 };

export const statefulPhase: Phase = {
  name: "stateful",
  rules: statefulRules,
  prepare: (context, rules, progress) => runStateful(context, rules, progress, failuresFolder),
};

/** @param folder where failing cases are stored */
export async function runStateful(
  context: Context,
  asked: readonly Rule[],
  progress: (text: string) => void,
  folder: string,
): Promise<StatefulEvidence> {
  const protocol = createProtocol(context.contract, context.channel.id);
  const ids = new Set(asked.map(({ id }) => id));
  const decided = new Map<string, number>();
  const coverage = new Map<string, number>();
  const open = new Map<string, string>();
  const failing: { plan: StatefulCase; executed: Executed }[] = [];
  let cases = 0;
  const slow = await expiringCases(context, protocol, asked);
  const concurrency = { runs: context.runs, seed: context.seed, asked: ids, expiring: slow.cases };
  await runCases(context, protocol, concurrency, (plan, executed) => {
    const { result } = executed;
    for (const [rule, count] of result.decided) decided.set(rule, (decided.get(rule) ?? 0) + count);
    for (const [pointer, count] of result.coverage) coverage.set(pointer, (coverage.get(pointer) ?? 0) + count);
    for (const text of result.inconclusive) context.note(text);
    // What a finding cut short says nothing of what was still to come.
    if (result.findings.some(({ rule }) => ids.has(rule))) failing.push({ plan, executed });
    else
      for (const { rule, expected } of result.open)
        open.set(rule, `it never came, but no reply to a fence proves it missing: ${expected}`);
    progress(`case ${++cases} of ${context.runs + slow.cases}${failing.length === 0 ? "" : `, ${failing.length} failing`}`);
    return failing.length < maxFailing ? "go on" : "stop";
  });
  if (failing.length === 0) noteCoverage(context, coverage, protocol);
  const failures = await confirmAll(context, failing, ids, progress, folder);
  const undecided = new Map(open);
  if (slow.reason !== undefined) for (const { id, waitsMs } of asked) if (waitsMs !== undefined) undecided.set(id, slow.reason);
  return { decided, failures, undecided };
}

/** How many cases have expiring credentials: none unless a selected rule needs them, or with the reason why there can be none. */
async function expiringCases(
  context: Context,
  protocol: Protocol,
  asked: readonly Rule[],
): Promise<{ readonly cases: number; readonly reason?: string }> {
  if (!asked.some(({ waitsMs }) => waitsMs !== undefined)) return { cases: 0 };
  try {
    await shortLivedGraceMs(context, protocol);
  } catch (error) {
    if (!(error instanceof NotTestable)) throw error;
    return { cases: 0, reason: error.message };
  }
  const { oneIn, least, most } = expiring;
  return { cases: Math.min(most, Math.max(least, Math.round(context.runs / oneIn))) };
}

function noteCoverage(context: Context, coverage: ReadonlyMap<string, number>, protocol: ReturnType<typeof createProtocol>) {
  const promises = promisesOf(protocol);
  const missing = promises.filter((pointer) => !coverage.has(pointer));
  context.note(`${promises.length - missing.length} of ${promises.length} requirements, effects and errors were exercised`);
  if (missing.length > 0) context.note(`never exercised by random cases: ${missing.join(", ")}`);
}

async function confirmAll(
  context: Context,
  failing: readonly { plan: StatefulCase; executed: Executed }[],
  ids: ReadonlySet<string>,
  progress: (text: string) => void,
  folder: string,
): Promise<ReadonlyMap<string, ReproducedViolation>> {
  const protocol = createProtocol(context.contract, context.channel.id);
  const keyed = hasKeys(context.contract);
  const failures = new Map<string, ReproducedViolation>();
  const file = (rule: string, failure: ReproducedViolation) => {
    if (!failures.has(rule)) failures.set(rule, failure);
  };
  const untilMs = context.clock.nowMs() + shrinkMs;
  for (const { plan, executed } of failing) {
    const news = executed.result.findings.some(({ rule }) => ids.has(rule) && !failures.has(rule));
    if (!news) continue;
    progress("a case failed: running it again, then shrinking it");
    const wanted = new Set([...ids].filter((id) => !failures.has(id)));
    const leftMs = isSlow(plan) ? slowShrinkMs : Math.max(0, untilMs - context.clock.nowMs()) / 2;
    const confirmed = await confirm(context, protocol, plan, executed, wanted, leftMs);
    if (confirmed === undefined) continue;
    const { rule, failed, runs } = confirmed;
    const describe = (
      smallest: StatefulCase,
      found: (typeof confirmed)["finding"],
      shown: Executed,
      ofRule: string,
      count: number,
      of: number,
    ): ReproducedViolation => {
      const id = idOf(ofRule, smallest);
      const { expected, actual, pointer } = found;
      const { seed, contract } = context;
      const stored = { id, rule: ofRule, pointer, expected, actual, seed, spec: contract.file, case: smallest };
      storeFailure(JSON.parse(context.hide(JSON.stringify(stored))), folder);
      return new ReproducedViolation(expected, actual, {
        pointer,
        failed: count,
        runs: of,
        steps: [...describeConnections(smallest, keyed), ...smallest.steps.map((step) => describeStep(step, keyed))],
        frames: sliced(shown, found.events),
        replay: context.target.replayStored?.(id) ?? `npx wsproof replay ${id}`,
      });
    };
    file(rule, describe(confirmed.plan, confirmed.finding, confirmed.shown, rule, failed, runs));
    for (const [other, { count, shown, finding }] of confirmed.others) {
      if (other !== rule && ids.has(other))
        file(other, describe(plan, finding, shown, other, Math.max(1, count), 4 + (count === 0 ? 1 : 0)));
    }
  }
  return failures;
}

function describeConnections({ connections }: StatefulCase, keyed: boolean): string[] {
  return connections.map(
    ({ user, node, member, expires }, index) =>
      `connection ${index}: user ${user}${node > 0 ? `, node ${node}` : ""}${member && keyed ? ", joins key 0" : ""}${expires === true ? ", with a short-lived credential" : ""}`,
  );
}

/** The events of the finding and what lies between, as long as that is short. */
function sliced({ history }: Executed, events: readonly number[]) {
  const short = history.length <= 60;
  const kept = new Set(events);
  return history.filter((event, index) => event.kind !== "note" && (short || kept.has(index)));
}
