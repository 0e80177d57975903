// Tests the honest server against one document mutant: the first rule that fails kills it.

import type { ContractUnderTest } from "../client/context.ts";
import { incidentalRules } from "../client/incidental-violation.ts";
import { gatherEvidence } from "../conformance/evidence.ts";
import { type OpenedRun, openRun } from "../conformance/open-run.ts";
import type { Phase } from "../conformance/phase.ts";
import type { Clause, Rule } from "../conformance/rule.ts";
import { runOnce } from "../conformance/run-rule.ts";
import type { Run } from "../conformance/run-state.ts";
import { TargetLost, UsageError } from "../schema/errors.ts";
import type { ReferenceProcess } from "../testbed/reference-process.ts";
import { isWithin } from "./affected-pointers.ts";
import type { DocumentMutant } from "./document-mutant.ts";
import { type RuleUnderTest, rulesUnderTest } from "./rules-under-test.ts";
import { targetOf } from "./run-mutant.ts";

export interface DocumentMutantResult {
  readonly mutant: DocumentMutant;
  /** The first rule that failed; undefined: the mutant survived. */
  readonly rule: string | undefined;
  readonly detail: string;
}

export interface DocumentMutantOptions {
  /** How long a rule waits for an expected message, in ms, default 1000. */
  readonly timeoutMs?: number;
  /** Generated cases of a phase, default 40. */
  readonly runs?: number;
}

/**
 * The rounds of a run: `quick` has every rule that waits for no declared time, `thorough` the rules with generated cases again with
 * more of them, `patient` those that wait for declared times, `alone` those that nothing else may run beside, `shutdown` those that
 * end the server. The last three have only the rules that the change affects.
 */
export const rounds = ["quick", "thorough", "patient", "alone", "shutdown"] as const;
export type Round = (typeof rounds)[number];

/** Only MUST: the honest server may do otherwise than a SHOULD says. */
function isOf(round: Round, { rule }: RuleUnderTest): boolean {
  if (rule.level !== "MUST") return false;
  if (rule.phase === "shutdown") return round === "shutdown";
  if (rule.alone !== undefined) return round === "alone";
  if (rule.waitsMs !== undefined) return round === "patient";
  return round === "quick" || (round === "thorough" && rule.phase === "stateful");
}

/** The rules of a round for a mutant, likeliest killer first. */
export function rulesFor(phases: readonly Phase[], mutant: DocumentMutant, round: Round): readonly RuleUnderTest[] {
  const { contract, affected } = mutant;
  const channel = contract.channels.find(({ kind }) => kind === "websocket");
  if (channel === undefined) return [];
  const rules = rulesUnderTest(phases, { contract, channel }).filter((tested) => isOf(round, tested));
  if (round === "thorough") return rules;
  if (round !== "quick")
    return rules.filter(({ clause }) =>
      affected.some((pointer) => isWithin(pointer, clause.pointer) || isWithin(clause.pointer, pointer)),
    );
  return likeliestFirst(rules, affected);
}

/**
 * Rules for the changed statement first, then prepared phases, then one clause of each other rule: most mutants are
 * killed by the first few rules, and a survivor has met every rule.
 */
function likeliestFirst(rules: readonly RuleUnderTest[], affected: readonly string[]): readonly RuleUnderTest[] {
  const single = rules.filter(({ phase }) => phase.prepare === undefined);
  const nearness = ({ clause }: RuleUnderTest) => {
    if (affected.some((pointer) => isWithin(clause.pointer, pointer) || isWithin(pointer, clause.pointer))) return 2;
    return affected.some((pointer) => isWithin(clause.pointer, containerOf(pointer))) ? 1 : 0;
  };
  const near = [2, 1].flatMap((wanted) => single.filter((tested) => nearness(tested) === wanted));
  const firsts = new Map(
    single
      .filter((tested) => !near.includes(tested))
      .reverse()
      .map((tested) => [tested.rule.id, tested]),
  );
  return [...near, ...rules.filter(({ phase }) => phase.prepare !== undefined), ...[...firsts.values()].reverse()];
}

/** The operation, the message, or the channel's key that the pointer is in. */
function containerOf(pointer: string): string {
  const steps = pointer.split("/");
  return steps.slice(0, steps[1] === "operations" ? 3 : 4).join("/");
}

let opened = 0;

/** Opens a run. A failure is the mutant's, unless the second try, with more time, shows that the machine was busy. */
async function openRunOf(
  subject: ContractUnderTest,
  server: ReferenceProcess,
  { timeoutMs, runs }: Required<DocumentMutantOptions>,
  tries = 2,
): Promise<OpenedRun | Error> {
  // Runs that begin in the same second must not share their user names.
  const label = `m${++opened}`;
  const target = targetOf(server, server.url);
  try {
    return await openRun({ ...subject, target, auth: { secret: server.secret }, timeoutMs, runs, label });
  } catch (error) {
    if (!(error instanceof TargetLost || error instanceof UsageError)) throw error;
    return tries > 1 ? openRunOf(subject, server, { timeoutMs: 5 * timeoutMs, runs }, tries - 1) : error;
  }
}

export async function runDocumentMutant(
  phases: readonly Phase[],
  mutant: DocumentMutant,
  round: Round,
  server: ReferenceProcess,
  { timeoutMs = 1_000, runs = 40 }: DocumentMutantOptions = {},
): Promise<DocumentMutantResult> {
  const survived: DocumentMutantResult = { mutant, rule: undefined, detail: "" };
  const rules = rulesFor(phases, mutant, round);
  if (rules.length === 0) return survived;
  const run = await openRunOf(contractOf(mutant), server, { timeoutMs, runs });
  if (run instanceof Error) return { mutant, rule: "(connecting)", detail: run.message };
  try {
    const kill = await (round === "patient" ? firstOfAll : firstInTurn)(run.run, rules);
    return kill === undefined ? survived : { mutant, ...kill };
  } finally {
    await run.end();
  }
}

interface Kill {
  readonly rule: string;
  readonly detail: string;
}

async function firstInTurn(run: Run, rules: readonly RuleUnderTest[]): Promise<Kill | undefined> {
  for (const tested of rules) {
    const kill = await killBy(run, tested);
    if (kill !== undefined) return kill;
  }
  return undefined;
}

/** Rules that wait for declared times wait at the same time. */
async function firstOfAll(run: Run, rules: readonly RuleUnderTest[]): Promise<Kill | undefined> {
  const all = await Promise.all(rules.map((tested) => killBy(run, tested)));
  return all.find((kill) => kill !== undefined);
}

function contractOf({ contract }: DocumentMutant): ContractUnderTest {
  return { contract, channel: contract.channels.find(({ kind }) => kind === "websocket")! };
}

/** The prepared phases of a run, each run once for the rules that wait and once for the others. */
const preparedPhases = new WeakMap<Run, Map<string, Promise<readonly Kill[]>>>();

async function killBy(run: Run, { phase, rule, clause }: RuleUnderTest): Promise<Kill | undefined> {
  try {
    if (phase.prepare !== undefined) {
      const ofRun = preparedPhases.get(run) ?? new Map<string, Promise<readonly Kill[]>>();
      preparedPhases.set(run, ofRun);
      const waits = rule.waitsMs !== undefined;
      const kills = ofRun.get(`${phase.name} ${waits}`) ?? killsOfPhase(run, phase, waits);
      ofRun.set(`${phase.name} ${waits}`, kills);
      const [first] = await kills;
      return first;
    }
    const kill = await checkOnce(run, rule, clause);
    // On a busy machine an expected message may be late: more time is given once.
    const isLate = kill !== undefined && / within \d+ ms; got /.test(kill.detail);
    return isLate ? checkOnce({ ...run, timeoutMs: 3 * run.timeoutMs }, rule, clause) : kill;
  } catch (error) {
    // No rule was written for such a document, so the exception says nothing about the server.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

async function checkOnce(run: Run, rule: Rule, clause: Clause): Promise<Kill | undefined> {
  const outcome = await runOnce(run, rule, clause);
  const [violation] = outcome.violations;
  if (violation !== undefined) return { rule: incidentalRules[violation.kind], detail: describe(violation) };
  return outcome.kind === "fail" ? { rule: rule.id, detail: describe(outcome) } : undefined;
}

function describe({ expected, actual }: { readonly expected: string; readonly actual: string }): string {
  return `expected ${expected}; got ${actual}`;
}

/** The failures of one run of the phase, of its rules that wait or of the others, and of the frames on its connections. */
async function killsOfPhase(run: Run, phase: Phase, waits: boolean): Promise<readonly Kill[]> {
  const rules = phase.rules.filter(
    (rule) => rule.level === "MUST" && (rule.waitsMs !== undefined) === waits && rule.from(run).length > 0,
  );
  const { evidence, violations } = await gatherEvidence(run, phase, rules, () => undefined);
  const kills: Kill[] = [];
  for (const rule of rules) {
    for (const clause of rule.from(run)) {
      const outcome = await runOnce(run, rule, clause, evidence);
      if (outcome.kind === "fail") kills.push({ rule: rule.id, detail: describe(outcome) });
    }
  }
  return [...kills, ...violations.slice(0, 1).map((one) => ({ rule: incidentalRules[one.kind], detail: describe(one) }))];
}
