// Holds the honest server to an altered document: some rule must fail, else nobody would notice that promise being broken.
import { TargetLost, UsageError } from "../errors.ts";
import { beginCheck } from "../verify/check.ts";
import type { Embedded } from "../verify/embedded.ts";
import { openRun } from "../verify/open-run.ts";
import type { Phase } from "../verify/phase.ts";
import type { Subject } from "../verify/rule.ts";
import { runOnce } from "../verify/run-rule.ts";
import type { Run } from "../verify/run-state.ts";
import { type Claim, claimsOf } from "./claims.ts";
import type { Mutant } from "./mutants.ts";
import { targetOf } from "./prover.ts";

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

/** Rules that wait for declared times are not run for each mutant, and what only should be so the honest server may break anyway. */
function isQuick({ rule }: Claim): boolean {
  return rule.level === "MUST" && rule.waitsMs === undefined && rule.alone !== true && rule.phase !== "shutdown";
}

/**
 * Those that speak of the altered place first, then the phases that are judged as a whole, then one promise of each other rule:
 * what is caught at all is caught by the first few, and what survives has met every rule.
 */
function likeliestFirst(claims: readonly Claim[], pointer: string): readonly Claim[] {
  const isNear = ({ promised }: Claim) => {
    const steps = pointer.split("/");
    if (steps[1] === "definitions") return promised.pointer.endsWith(`/${steps.at(-1)}`);
    return promised.pointer.startsWith(steps.slice(0, steps[1] === "operations" ? 3 : 4).join("/"));
  };
  const single = claims.filter(({ rule }) => rule.check !== "whole-phase");
  const near = single.filter(isNear);
  const firsts = new Map(
    single
      .filter((claim) => !near.includes(claim))
      .reverse()
      .map((claim) => [claim.rule.id, claim]),
  );
  return [...near, ...claims.filter(({ rule }) => rule.check === "whole-phase"), ...[...firsts.values()].reverse()];
}

export async function judgeMutant(
  phases: readonly Phase[],
  mutant: Mutant,
  server: Embedded,
  { timeoutMs = 1_000, runs = 40 }: MutantOptions = {},
): Promise<Judgement> {
  const survived: Judgement = { mutant, rule: undefined, detail: "" };
  const { contract } = mutant;
  const channel = contract.channels.find(({ kind }) => kind === "websocket");
  if (channel === undefined) return survived;
  const subject: Subject = { contract, channel };
  let opened: Awaited<ReturnType<typeof openRun>>;
  try {
    opened = await openRun({
      ...subject,
      target: targetOf(server, server.url),
      auth: { secret: server.secret },
      timeoutMs,
      runs,
    });
  } catch (error) {
    // The first contact fails already: a run would say so and judge nothing.
    if (error instanceof TargetLost || error instanceof UsageError)
      return { mutant, rule: "(first contact)", detail: error.message };
    throw error;
  }
  try {
    const claims = claimsOf(phases, subject);
    for (const claim of likeliestFirst(claims.filter(isQuick), mutant.pointer)) {
      const detail = await failureOf(opened.run, claim);
      if (detail !== undefined) return { mutant, rule: claim.rule.id, detail };
    }
    return survived;
  } finally {
    await opened.end();
  }
}

const wholeDone = new WeakMap<Run, Map<Phase, ReturnType<typeof wholeFailures>>>();

async function failureOf(run: Run, { phase, rule, promised }: Claim): Promise<string | undefined> {
  try {
    if (rule.check === "whole-phase") {
      const ofRun = wholeDone.get(run) ?? new Map();
      wholeDone.set(run, ofRun);
      const failures = ofRun.get(phase) ?? wholeFailures(run, phase);
      ofRun.set(phase, failures);
      return (await failures).get(rule.id);
    }
    const outcome = await runOnce(run, rule, promised);
    const [breach] = outcome.breaches;
    if (breach !== undefined) return `expected ${breach.expected}; got ${breach.actual}`;
    return outcome.kind === "fail" ? `expected ${outcome.expected}; got ${outcome.actual}` : undefined;
  } catch (error) {
    // An altered document may be one that no rule was written for: then this rule says nothing.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Rule id -> what failed, of all rules of the phase at once. */
async function wholeFailures(run: Run, phase: Phase): Promise<ReadonlyMap<string, string>> {
  const check = beginCheck(run);
  try {
    const asked = phase.rules.filter((rule) => rule.check === "whole-phase" && rule.from(run).length > 0);
    const judged = (await phase.run?.(check.context, asked, () => undefined)) ?? [];
    return new Map(
      judged.flatMap(({ id, failures }) => {
        const [first] = failures;
        return first === undefined ? [] : [[id, `expected ${first.expected}; got ${first.actual}`] as const];
      }),
    );
  } finally {
    await check.end();
    run.recorder.forget(check.connections);
  }
}
