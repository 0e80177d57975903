// Holds the honest server to an altered document: some rule must fail, else nobody would notice that promise being broken.

import { incidentalRules } from "../client/incidental-violation.ts";
import { gatherEvidence } from "../conformance/evidence.ts";
import { type OpenedRun, openRun } from "../conformance/open-run.ts";
import type { Phase } from "../conformance/phase.ts";
import type { Clause, ContractUnderTest, Rule } from "../conformance/rule.ts";
import { runOnce } from "../conformance/run-rule.ts";
import type { Run } from "../conformance/run-state.ts";
import { TargetLost, UsageError } from "../schema/errors.ts";
import type { ReferenceProcess } from "../testbed/reference-process.ts";
import type { Mutant } from "./document-mutant.ts";
import { type Claim, claimsOf } from "./mutants.ts";
import { isWithin } from "./places.ts";
import { targetOf } from "./run-mutant.ts";

export interface Judgement {
  readonly mutant: Mutant;
  /** The first rule that failed; undefined: the mutant survived. */
  readonly rule: string | undefined;
  readonly detail: string;
}

export interface MutantOptions {
  /** How long a rule waits for what must come, in ms, default 1000. */
  readonly timeoutMs?: number;
  /** Random cases of a phase, default 40. */
  readonly runs?: number;
}

/**
 * The stages of judging: `quick` runs every rule that waits for nothing, `thorough` those again that are judged by random cases, with
 * more of them, `patient` those that wait for declared times, `alone` those beside which nothing else may run, `shutdown` those that
 * end the server. But for the first two, only those that concern the place.
 */
export const stages = ["quick", "thorough", "patient", "alone", "shutdown"] as const;
export type Stage = (typeof stages)[number];

/** What only should be so, the honest server may break anyway. */
function isOf(stage: Stage, { rule }: Claim): boolean {
  if (rule.level !== "MUST") return false;
  if (rule.phase === "shutdown") return stage === "shutdown";
  if (rule.alone === true) return stage === "alone";
  if (rule.waitsMs !== undefined) return stage === "patient";
  return stage === "quick" || (stage === "thorough" && rule.phase === "stateful");
}

/** The claims of a stage for a mutant, likeliest first. */
export function claimsFor(phases: readonly Phase[], mutant: Mutant, stage: Stage): readonly Claim[] {
  const { contract, places } = mutant;
  const channel = contract.channels.find(({ kind }) => kind === "websocket");
  if (channel === undefined) return [];
  const claims = claimsOf(phases, { contract, channel }).filter((claim) => isOf(stage, claim));
  if (stage === "thorough") return claims;
  if (stage !== "quick")
    return claims.filter(({ clause }) =>
      places.some((place) => isWithin(place, clause.pointer) || isWithin(clause.pointer, place)),
    );
  return likeliestFirst(claims, places);
}

/**
 * Those that speak of the altered place first, then the phases that are judged as a whole, then one promise of each other rule:
 * what is caught at all is caught by the first few, and what survives has met every rule.
 */
function likeliestFirst(claims: readonly Claim[], places: readonly string[]): readonly Claim[] {
  const single = claims.filter(({ phase }) => phase.prepare === undefined);
  const nearness = ({ clause }: Claim) => {
    if (places.some((place) => isWithin(clause.pointer, place) || isWithin(place, clause.pointer))) return 2;
    return places.some((place) => isWithin(clause.pointer, containerOf(place))) ? 1 : 0;
  };
  const near = [2, 1].flatMap((wanted) => single.filter((claim) => nearness(claim) === wanted));
  const firsts = new Map(
    single
      .filter((claim) => !near.includes(claim))
      .reverse()
      .map((claim) => [claim.rule.id, claim]),
  );
  return [...near, ...claims.filter(({ phase }) => phase.prepare !== undefined), ...[...firsts.values()].reverse()];
}

/** The operation, the message, or the key of the channel that the place is in. */
function containerOf(place: string): string {
  const steps = place.split("/");
  return steps.slice(0, steps[1] === "operations" ? 3 : 4).join("/");
}

let judged = 0;

/** Where the first contact fails already, a run would say so and judge nothing. Once may be the machine's doing. */
async function firstContact(
  subject: ContractUnderTest,
  server: ReferenceProcess,
  { timeoutMs, runs }: Required<MutantOptions>,
  tries = 2,
): Promise<OpenedRun | Error> {
  // Several begin in the same second, and must not be taken for one user.
  const label = `m${++judged}`;
  const target = targetOf(server, server.url);
  try {
    return await openRun({ ...subject, target, auth: { secret: server.secret }, timeoutMs, runs, label });
  } catch (error) {
    if (!(error instanceof TargetLost || error instanceof UsageError)) throw error;
    return tries > 1 ? firstContact(subject, server, { timeoutMs: 5 * timeoutMs, runs }, tries - 1) : error;
  }
}

export async function judgeMutant(
  phases: readonly Phase[],
  mutant: Mutant,
  stage: Stage,
  server: ReferenceProcess,
  { timeoutMs = 1_000, runs = 40 }: MutantOptions = {},
): Promise<Judgement> {
  const survived: Judgement = { mutant, rule: undefined, detail: "" };
  const claims = claimsFor(phases, mutant, stage);
  if (claims.length === 0) return survived;
  const opened = await firstContact(subjectOf(mutant), server, { timeoutMs, runs });
  if (opened instanceof Error) return { mutant, rule: "(first contact)", detail: opened.message };
  try {
    const seen = await (stage === "patient" ? togetherIn : inTurnIn)(opened.run, claims);
    return seen === undefined ? survived : { mutant, ...seen };
  } finally {
    await opened.end();
  }
}

type Seen = Pick<Judgement, "detail"> & { readonly rule: string };

async function inTurnIn(run: Run, claims: readonly Claim[]): Promise<Seen | undefined> {
  for (const claim of claims) {
    const seen = await failureOf(run, claim);
    if (seen !== undefined) return seen;
  }
  return undefined;
}

/** What waits, waits at the same time. */
async function togetherIn(run: Run, claims: readonly Claim[]): Promise<Seen | undefined> {
  const all = await Promise.all(claims.map((claim) => failureOf(run, claim)));
  return all.find((seen) => seen !== undefined);
}

function subjectOf({ contract }: Mutant): ContractUnderTest {
  return { contract, channel: contract.channels.find(({ kind }) => kind === "websocket")! };
}

const wholeDone = new WeakMap<Run, Map<string, ReturnType<typeof wholeFailures>>>();

async function failureOf(run: Run, { phase, rule, clause }: Claim): Promise<Seen | undefined> {
  try {
    if (phase.prepare !== undefined) {
      const ofRun = wholeDone.get(run) ?? new Map<string, ReturnType<typeof wholeFailures>>();
      wholeDone.set(run, ofRun);
      const waits = rule.waitsMs !== undefined;
      const failures = ofRun.get(`${phase.name} ${waits}`) ?? wholeFailures(run, phase, waits);
      ofRun.set(`${phase.name} ${waits}`, failures);
      const [first] = await failures;
      return first;
    }
    const seen = await judgeOnce(run, rule, clause);
    // On a busy machine what must come may be late: more time is given once.
    const isLate = seen !== undefined && / within \d+ ms; got /.test(seen.detail);
    return isLate ? judgeOnce({ ...run, timeoutMs: 3 * run.timeoutMs }, rule, clause) : seen;
  } catch (error) {
    // An altered document may be one that no rule was written for: then this rule says nothing.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

async function judgeOnce(run: Run, rule: Rule, clause: Clause): Promise<Seen | undefined> {
  const outcome = await runOnce(run, rule, clause);
  const [violation] = outcome.violations;
  if (violation !== undefined) return { rule: incidentalRules[violation.kind], detail: describe(violation) };
  return outcome.kind === "fail" ? { rule: rule.id, detail: describe(outcome) } : undefined;
}

function describe({ expected, actual }: { readonly expected: string; readonly actual: string }): string {
  return `expected ${expected}; got ${actual}`;
}

/** What failed of all rules of the phase at once that wait, or that do not, and what was amiss with the frames of its connections. */
async function wholeFailures(run: Run, phase: Phase, waits: boolean): Promise<readonly Seen[]> {
  const rules = phase.rules.filter(
    (rule) => rule.level === "MUST" && (rule.waitsMs !== undefined) === waits && rule.from(run).length > 0,
  );
  const { evidence, violations } = await gatherEvidence(run, phase, rules, () => undefined);
  const seen: Seen[] = [];
  for (const rule of rules)
    for (const clause of rule.from(run)) {
      const outcome = await runOnce(run, rule, clause, evidence);
      if (outcome.kind === "fail") seen.push({ rule: rule.id, detail: describe(outcome) });
    }
  return [...seen, ...violations.slice(0, 1).map((one) => ({ rule: incidentalRules[one.kind], detail: describe(one) }))];
}
