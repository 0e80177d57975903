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
  /** How long a rule waits for what must come, in ms, default 1500. */
  readonly timeoutMs?: number;
  /** Random cases of a phase, default 60. */
  readonly runs?: number;
}

/** Rules that wait for declared times are not run for each mutant; the rest takes a second or two. */
function isQuick({ rule }: Claim): boolean {
  return rule.waitsMs === undefined && rule.alone !== true && rule.phase !== "shutdown";
}

/** Those that speak of the altered place first. */
function nearestFirst(claims: readonly Claim[], pointer: string): readonly Claim[] {
  const steps = pointer.split("/");
  const common = ({ promised }: Claim) => {
    const own = promised.pointer.split("/");
    const at = own.findIndex((step, index) => step !== steps[index]);
    return at < 0 ? own.length : at;
  };
  return [...claims].sort((one, other) => common(other) - common(one));
}

export async function judgeMutant(
  phases: readonly Phase[],
  mutant: Mutant,
  server: Embedded,
  { timeoutMs = 1_500, runs = 60 }: MutantOptions = {},
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
    for (const claim of nearestFirst(claims.filter(isQuick), mutant.pointer)) {
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
