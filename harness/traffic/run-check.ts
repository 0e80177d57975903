// Checks histories from files against a contract, one after the other, as one run.
import type { ContractUnderTest } from "../client/context.ts";
import type { RuleResult } from "../conformance/result.ts";
import { TrafficChecker } from "./check.ts";
import { checkRules } from "./check-rules.ts";
import { type FileNotes, type HistoryPart, readBatches } from "./history-file.ts";

export interface CheckOptions extends ContractUnderTest {
  readonly files: readonly string[];
  readonly side: "server" | "client";
  /** The command that checks again. */
  readonly replay: string;
  /** Aborted: the check throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Gets how many messages of all files were checked so far. */
  readonly progress?: (messages: number) => void;
}

export interface CheckedTraffic {
  readonly results: readonly RuleResult[];
  readonly messages: number;
  readonly connections: number;
  /** What was not checked, for people. */
  readonly notes: readonly string[];
}

/** @throws UsageError where a file is no history */
export async function checkFiles({
  contract,
  channel,
  files,
  side,
  replay,
  signal,
  progress,
}: CheckOptions): Promise<CheckedTraffic> {
  const rules = checkRules.filter((rule) => rule.side === side);
  const parts: RuleResult[][] = [];
  const notes: string[] = [];
  let messages = 0;
  let connections = 0;
  let checker: TrafficChecker | undefined;
  let before: HistoryPart | undefined;
  const conclude = () => {
    if (checker === undefined) return;
    checker.end();
    messages += checker.messages;
    if (checker.unopened > 0)
      notes.push(`${checker.unopened} messages were left out: the history does not have the beginning of their connections`);
    parts.push(checker.report.results(contract, rules, replay));
    checker = undefined;
  };
  for (const file of files) {
    let own: HistoryPart | undefined;
    const told: FileNotes = {
      part(part) {
        own = part;
      },
      cut: (line) => notes.push(`${file}:${line} is not whole and was left out: the file is still written, or was cut off`),
    };
    for await (const events of readBatches(file, told)) {
      signal?.throwIfAborted();
      // Positions and users of one recording say nothing about another; a part goes on where the part before ended.
      const goesOn = own !== undefined && own.recording === before?.recording && own.part === before.part + 1;
      if (own !== before) {
        if (!goesOn) conclude();
        before = own;
      }
      checker ??= new TrafficChecker(contract, channel);
      for (const event of events) {
        if (event.kind === "open") connections += 1;
        checker.take(event);
      }
      progress?.(messages + checker.messages);
    }
    if (own === undefined) {
      conclude();
      before = undefined;
    }
  }
  conclude();
  if (parts.length === 0) parts.push(new TrafficChecker(contract, channel).report.results(contract, rules, replay));
  return { results: rules.map((_, index) => merged(parts.map((results) => results[index]!))), messages, connections, notes };
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
