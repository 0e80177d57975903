// Runs a rule against one mutant, or against the honest server, and says whether the rule failed.

import type { ContractUnderTest } from "../client/context.ts";
import { incidentalRules } from "../client/incidental-violation.ts";
import type { Received } from "../client/received.ts";
import { beginCheck } from "../conformance/check.ts";
import type { Target } from "../conformance/context.ts";
import { gatherEvidence } from "../conformance/evidence.ts";
import type { Fault, NodesPlan } from "../conformance/faults/plan.ts";
import { type OpenedRun, openRun } from "../conformance/open-run.ts";
import type { Phase } from "../conformance/phase.ts";
import type { Level, Rule } from "../conformance/rule.ts";
import { type Outcome, runOnce } from "../conformance/run-rule.ts";
import type { Run } from "../conformance/run-state.ts";
import { NotTestable, TargetLost, Violation } from "../schema/errors.ts";
import type { ReferenceProcess } from "../testbed/reference-process.ts";
import { startFaultyNodes } from "./faulty-nodes.ts";
import { type FaultProxy, startProxy } from "./proxy/proxy.ts";
import type { RuleUnderTest } from "./rules-under-test.ts";
import { createServers, type ServerChoice } from "./servers.ts";

/** What came of one rule for one clause on one mutant. */
export interface MutationResult {
  readonly rule: string;
  readonly level: Level;
  /** Of the clause. */
  readonly pointer: string;
  /** undefined: the honest server, without a proxy. */
  readonly fault: string | undefined;
  /** `killed`: the rule failed. `survived`: it passed. `inconclusive`: not testable, or the target was lost. */
  readonly outcome: "killed" | "survived" | "inconclusive";
  /** What was expected and seen, or why it is inconclusive. */
  readonly detail: string;
  readonly durationMs: number;
}

type RuleOutcome = Pick<MutationResult, "outcome" | "detail">;

export interface MutationRunner {
  readonly subject: ContractUnderTest;
  /** @param fault undefined: the honest server */
  run(tested: RuleUnderTest, fault: Fault | undefined): Promise<MutationResult>;
  /** Runs rules that share the evidence of their phase, on a server that is started for them. */
  runPhase(rules: readonly RuleUnderTest[], fault: Fault | undefined): Promise<readonly MutationResult[]>;
  end(): Promise<void>;
}

export interface RunnerOptions {
  /** How long a rule waits for an expected message on the honest server, in ms, default 5000. */
  readonly honestTimeoutMs?: number;
  /** The same on a mutant, default 1500. */
  readonly faultTimeoutMs?: number;
  /** Generated cases of a phase, default 60. */
  readonly runs?: number;
  /** Environment of the servers, default `shortTimes`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A proxy that changes nothing: behind it every rule must pass. */
export const noFault: Fault = {
  id: "none",
  breaks: "Nothing: the proxy passes everything on unchanged.",
  how: { by: "proxy", transformations: [] },
};

const seed = 1;

/** Starts no server yet: each is started when a rule first needs it. The caller ends the runner. */
export function createMutationRunner(subject: ContractUnderTest, options: RunnerOptions = {}): MutationRunner {
  const { honestTimeoutMs = 5_000, faultTimeoutMs = 1_500, runs = 60 } = options;
  const servers = createServers(subject.channel.address, options.env);
  const opened = new Map<ReferenceProcess, Promise<OpenedRun>>();

  /** Opens a run on the server itself, so that its control connection sees the server and not the proxy. */
  const open = (server: ReferenceProcess): Promise<OpenedRun> => {
    const known =
      opened.get(server) ??
      openRun({ ...subject, target: targetOf(server, server.url), auth: { secret: server.secret }, seed, runs });
    opened.set(server, known);
    return known;
  };

  const runOn = async (
    rules: readonly RuleUnderTest[],
    fault: Fault | undefined,
    ownServer: boolean,
    check: (run: Run) => Promise<readonly RuleOutcome[]>,
  ): Promise<readonly MutationResult[]> => {
    const startMs = performance.now();
    let server: ReferenceProcess | undefined;
    let proxy: FaultProxy | undefined;
    try {
      server = await (ownServer ? servers.fresh(choiceFor(fault, rules)) : servers.of(choiceFor(fault, rules)));
      const { run: honest } = await open(server);
      if (fault?.how.by === "proxy") {
        const { transformations } = fault.how;
        const { messages } = honest;
        const auth = { secret: server.secret };
        proxy = await startProxy({ ...subject, target: new URL(server.url), messages, transformations, auth });
      }
      const target = targetOf(server, proxy?.url ?? server.url);
      const advertised = proxy === undefined ? honest.advertised() : await firstMessage(honest, target);
      // A prepared phase proves by fences that a message is missing, so a longer deadline costs it nothing.
      const isPatient = ownServer || fault === undefined || fault === noFault;
      const timeoutMs = isPatient ? honestTimeoutMs : faultTimeoutMs;
      const outcomes = await check({ ...honest, target, timeoutMs, advertised: () => advertised });
      return resultsOf(rules, fault, startMs, outcomes);
    } catch (error) {
      if (!(error instanceof TargetLost || error instanceof NotTestable)) throw error;
      const outcome: RuleOutcome = { outcome: "inconclusive", detail: error.message };
      return resultsOf(
        rules,
        fault,
        startMs,
        rules.map(() => outcome),
      );
    } finally {
      await proxy?.close();
      if (ownServer && server !== undefined) {
        await opened.get(server)?.then(
          ({ end }) => end(),
          () => undefined,
        );
        opened.delete(server);
        await server.stop();
      }
    }
  };

  return {
    subject,
    async run(tested, fault) {
      const [result] = await runOn([tested], fault, false, async (run) => [await runRule(run, tested)]);
      return result!;
    },
    async runPhase(tested, fault) {
      const { phase } = tested[0]!;
      if (fault?.how.by === "nodes") {
        const startMs = performance.now();
        const outcomes = await runOnNodes(subject, fault.how, (run) => runPrepared(run, phase, tested));
        return resultsOf(tested, fault, startMs, outcomes);
      }
      return runOn(tested, fault, true, (run) => runPrepared(run, phase, tested));
    },
    async end() {
      for (const one of await Promise.allSettled(opened.values())) if (one.status === "fulfilled") await one.value.end();
      await servers.end();
    },
  };
}

function resultsOf(
  rules: readonly RuleUnderTest[],
  fault: Fault | undefined,
  startMs: number,
  outcomes: readonly RuleOutcome[],
): readonly MutationResult[] {
  const durationMs = performance.now() - startMs;
  return rules.map(({ rule, clause }, at): MutationResult => {
    return { rule: rule.id, level: rule.level, pointer: clause.pointer, fault: fault?.id, durationMs, ...outcomes[at]! };
  });
}

/** Starts nodes for the check, and stops them after it. */
async function runOnNodes<T>(subject: ContractUnderTest, plan: NodesPlan, check: (run: Run) => Promise<T>): Promise<T> {
  const { cluster, target } = await startFaultyNodes(subject.channel.address, plan);
  try {
    const { run, end } = await openRun({ ...subject, target, auth: { secret: cluster.secret }, seed });
    try {
      return await check({ ...run, assertTargetAlive: async () => undefined });
    } finally {
      await end();
    }
  } finally {
    await cluster.stop();
  }
}

export function targetOf(server: ReferenceProcess, url: string): Target {
  return {
    urls: [url],
    origin: undefined,
    pid: server.pid,
    askToStop: () => void process.kill(server.pid, "SIGTERM"),
    embedded: true,
  };
}

/** What the target advertises through the proxy; what the server itself advertises where the fault keeps it back. */
async function firstMessage(honest: Run, target: Target): Promise<Received | undefined> {
  const check = beginCheck({ ...honest, target, timeoutMs: 500, assertTargetAlive: async () => undefined });
  try {
    return (await check.context.dial()).first ?? honest.advertised();
  } catch (error) {
    if (error instanceof Violation || error instanceof TargetLost) return honest.advertised();
    throw error;
  } finally {
    await check.end();
    honest.recorder.forget(check.connections);
  }
}

/** What one rule finds for one clause on the target of the run. */
export async function runRule(
  run: Run,
  { phase, rule, clause }: Pick<RuleUnderTest, "phase" | "rule" | "clause">,
): Promise<RuleOutcome> {
  const { evidence } = await gatherEvidence(run, phase, [rule], () => undefined);
  return outcomeOf(rule, await runOnce(run, rule, clause, evidence));
}

/** Rules that read the same evidence. */
async function runPrepared(run: Run, phase: Phase, tested: readonly RuleUnderTest[]): Promise<readonly RuleOutcome[]> {
  const { evidence } = await gatherEvidence(run, phase, [...new Set(tested.map(({ rule }) => rule))], () => undefined);
  const results: RuleOutcome[] = [];
  for (const { rule } of tested) {
    // A failure for another clause of the rule kills the mutant as well.
    const outcomes = await Promise.all(rule.from(run).map((clause) => runOnce(run, rule, clause, evidence)));
    results.push(outcomeOf(rule, outcomes.find(({ kind }) => kind === "fail") ?? outcomes[0]!));
  }
  return results;
}

function outcomeOf(rule: Rule, outcome: Outcome): RuleOutcome {
  const violation = outcome.violations.find(({ kind }) => incidentalRules[kind] === rule.id);
  if (violation !== undefined) return { outcome: "killed", detail: describe(violation) };
  if (outcome.kind === "fail") return { outcome: "killed", detail: describe(outcome) };
  return outcome.kind === "pass" ? { outcome: "survived", detail: "" } : { outcome: "inconclusive", detail: outcome.reason };
}

function describe({ expected, actual }: { readonly expected: string; readonly actual: string }): string {
  return `expected ${expected}; got ${actual}`;
}

/** @param rules whose faults tell on which server they are tested, where there is no fault */
function choiceFor(fault: Fault | undefined, rules: readonly RuleUnderTest[]): ServerChoice {
  const { how } = fault === undefined || fault === noFault ? (rules[0]?.faults[0] ?? noFault) : fault;
  if (how.by === "proxy") return how.server === undefined ? {} : { switchName: how.server };
  if (how.by !== "server" || fault === undefined || fault === noFault) return {};
  const { argument } = how;
  return { switchName: how.switch, ...(argument === undefined ? {} : { argument }) };
}
