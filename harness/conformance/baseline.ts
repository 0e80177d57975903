// Known failures: a file of rules that may fail for now. They still run; one that does not fail any more is stale and fails the run.

import { LineCounter, parseDocument } from "yaml";
import { nearest } from "../../spec/nearest.ts";
import { UsageError } from "../schema/errors.ts";
import type { RuleResult } from "./result.ts";

export interface KnownFailure {
  readonly id: string;
  readonly reason: string;
  /** Stands in what each failure expected that is known; undefined: all failures of the rule are. */
  readonly expected: string | undefined;
  /** `file:line`, for messages. */
  readonly at: string;
}

/**
 * Reads a baseline: a YAML list of `{ id, reason, expected? }`.
 * @param ids ids of all rules
 * @throws UsageError with file:line for what is no such entry, an unknown id, or an id given twice
 */
export function parseBaseline(text: string, file: string, ids: readonly string[]): readonly KnownFailure[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) throw new UsageError(`${file}:${lines.linePos(error.pos[0]).line}: ${error.message.split("\n")[0]}`);
  const value: unknown = document.toJS();
  if (value === null) return [];
  if (!Array.isArray(value))
    throw new UsageError(`${file}:1: expected a list of { id, reason }, got ${JSON.stringify(value).slice(0, 60)}`);
  const known: KnownFailure[] = [];
  for (const [index, entry] of value.entries()) {
    const node = document.getIn([index], true) as { range?: [number, number, number] } | undefined;
    const at = `${file}:${node?.range === undefined ? 1 : lines.linePos(node.range[0]).line}`;
    const { id, reason, expected, ...rest } = (typeof entry === "object" && entry !== null ? entry : {}) as Record<
      string,
      unknown
    >;
    const isText = expected === undefined || (typeof expected === "string" && expected !== "");
    if (typeof id !== "string" || typeof reason !== "string" || reason === "" || !isText || Object.keys(rest).length > 0) {
      throw new UsageError(`${at}: expected { id, reason, expected? }, got ${JSON.stringify(entry)}`);
    }
    if (!ids.includes(id)) {
      const near = nearest(id, ids);
      const hint = near === undefined ? `a report with --verbose names all ${ids.length}` : `did you mean ${near}?`;
      throw new UsageError(`${at}: no rule is called ${id}; ${hint}`);
    }
    if (known.some((one) => one.id === id)) throw new UsageError(`${at}: ${id} is in the list already`);
    known.push({ id, reason, expected, at });
  }
  return known;
}

/** Marks the failures that are known, and says which entries are stale: their rule was tested and passes. */
export function applyBaseline(
  results: readonly RuleResult[],
  known: readonly KnownFailure[],
): { readonly results: readonly RuleResult[]; readonly stale: readonly KnownFailure[] } {
  const byId = new Map(known.map((one) => [one.id, one]));
  return {
    results: results.map((result) => {
      const entry = byId.get(result.id);
      const failed = result.verdict === "fail" || result.verdict === "warn";
      const isKnown = (one: { readonly expected: string }) => one.expected.includes(entry?.expected ?? "");
      return entry !== undefined && failed && result.failures.every(isKnown) ? { ...result, known: entry.reason } : result;
    }),
    stale: known.filter(({ id }) => results.find((result) => result.id === id)?.verdict === "pass"),
  };
}
