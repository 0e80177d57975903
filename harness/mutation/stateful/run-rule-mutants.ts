// Runs the stateful phase on the mutants that one rule names, for its first clause that names any.
import type { Channel, Contract } from "../../../spec/contract.ts";
import { beginCheck } from "../../conformance/check.ts";
import type { Fault } from "../../conformance/faults/plan.ts";
import { openRun } from "../../conformance/open-run.ts";
import type { Rule } from "../../conformance/rule.ts";
import { statefulRules } from "../../conformance/rules/stateful/rules.ts";
import { runStateful } from "../../conformance/stateful/phase.ts";
import type { ReferenceProcess } from "../../testbed/reference-process.ts";
import { startProxy } from "../proxy/proxy.ts";

export interface RuleMutantsOptions {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly server: ReferenceProcess;
  readonly rule: Rule;
  readonly runs: number;
  /** Where failing cases are stored. */
  readonly folder: string;
}

export interface RuleMutantResult {
  readonly fault: string;
  /** Whether the rule itself failed. */
  readonly killed: boolean;
  /** Other rules that failed too. */
  readonly others: readonly string[];
  /** Steps of the smallest case that shows it. */
  readonly steps: number;
  readonly durationMs: number;
}

/** @returns one result a fault; empty where the rule names none */
export async function runRuleMutants({
  contract,
  channel,
  server,
  rule,
  runs,
  folder,
}: RuleMutantsOptions): Promise<RuleMutantResult[]> {
  const results: RuleMutantResult[] = [];
  for (const fault of faultsOf(rule, contract, channel)) {
    if (fault.how.by !== "proxy") continue;
    const startMs = performance.now();
    const auth = { secret: server.secret };
    const base = { origin: undefined, pid: undefined, embedded: false, askToStop: undefined };
    const direct = await openRun({ contract, channel, target: { ...base, urls: [server.url] }, auth, seed: 1, runs });
    const { messages } = direct.run;
    const proxy = await startProxy({
      target: new URL(server.url),
      contract,
      channel,
      messages,
      auth,
      transformations: fault.how.transformations,
    });
    const check = beginCheck({ ...direct.run, target: { ...base, urls: [proxy.url] } });
    // A rule that waits runs alone: the failure of another one would end the wait.
    const asked = rule.waitsMs === undefined ? statefulRules.filter(({ waitsMs }) => waitsMs === undefined) : [rule];
    const { failures } = await runStateful(check.context, asked, () => {}, folder);
    const own = failures.get(rule.id);
    await check.end();
    await proxy.close();
    await direct.end();
    results.push({
      fault: fault.id,
      killed: own !== undefined,
      others: [...failures.keys()].filter((id) => id !== rule.id),
      steps: own?.reproduction.steps.filter((step) => !/^connection \d+: /.test(step)).length ?? 0,
      durationMs: performance.now() - startMs,
    });
  }
  return results;
}

function faultsOf(rule: Rule, contract: Contract, channel: Channel): readonly Fault[] {
  const subject = { contract, channel };
  for (const clause of rule.from(subject)) {
    const faults = [rule.brokenBy(clause, subject)].flat() as unknown as readonly Fault[];
    if (faults.length > 0) return faults;
  }
  return [];
}
