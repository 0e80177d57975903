// Checks histories from files against a contract, one after the other, as one run.
import type { ContractUnderTest } from "../client/context.ts";
import type { RuleResult } from "../conformance/result.ts";
import { TrafficChecker } from "./check.ts";
import { checkRules } from "./check-rules.ts";
import { readBatches } from "./history-file.ts";

export interface CheckOptions extends ContractUnderTest {
  readonly files: readonly string[];
  readonly side: "server" | "client";
  /** The command that checks again. */
  readonly replay: string;
  /** Aborted: the check throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface CheckedTraffic {
  readonly results: readonly RuleResult[];
  readonly messages: number;
  readonly connections: number;
}

/** @throws UsageError where a file is no history */
export async function checkFiles({ contract, channel, files, side, replay, signal }: CheckOptions): Promise<CheckedTraffic> {
  const rules = checkRules.filter((rule) => rule.side === side);
  const parts: RuleResult[][] = [];
  let messages = 0;
  let connections = 0;
  for (const file of files) {
    // Positions and users of one file say nothing about another.
    const checker = new TrafficChecker(contract, channel);
    for await (const events of readBatches(file)) {
      signal?.throwIfAborted();
      for (const event of events) {
        if (event.kind === "open") connections += 1;
        checker.take(event);
      }
    }
    checker.end();
    messages += checker.messages;
    parts.push(checker.report.results(contract, rules, replay));
  }
  return { results: rules.map((_, index) => merged(parts.map((results) => results[index]!))), messages, connections };
}

const worst = ["fail", "warn", "pass", "not-applicable"] as const;

function merged(results: readonly RuleResult[]): RuleResult {
  const verdict = worst.find((one) => results.some((result) => result.verdict === one)) ?? "not-applicable";
  const one = results.find((result) => result.verdict === verdict) ?? results[0]!;
  return {
    ...one,
    observed: results.reduce((sum, { observed }) => sum + observed, 0),
    failures: results.flatMap(({ failures }) => failures),
    notes: results.flatMap(({ notes }) => notes),
  };
}
