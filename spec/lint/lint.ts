// Everything that can be said about a document without a server, all at once, in the order of its lines.
import type { Contract, Finding } from "../contract.ts";
import { type LoadOptions, loadWithTree } from "../load-contract.ts";
import { createValidators, usesVocabulary } from "../schemas.ts";
import { at } from "../source-tree.ts";
import { checkAddresses, checkRepeatedPaths, checkServers, checkUnchecked, checkUnusedMessages } from "./channels.ts";
import type { Check, Checked } from "./check.ts";
import { checkCloseCodes, checkErrorCodes } from "./codes.ts";
import { checkExamples, checkWords } from "./examples.ts";
import { checkNames } from "./names.ts";
import { checkOperations, checkOutcomes } from "./operations.ts";
import { checkPointers } from "./pointers.ts";
import { checkCompiled, checkCycles, checkKeywords, checkSatisfiable } from "./schemas.ts";
import { checkStructure } from "./structure.ts";
import { checkTags } from "./tags.ts";
import { checkHandshake, checkNotRead, checkPerspective, checkReplies } from "./usage.ts";
import { checkVersionRules } from "./version-rules.ts";
import { checkKeySpelling, checkValues, checkVocabulary } from "./vocabulary.ts";

const checks: readonly Check[] = [
  checkVocabulary,
  checkKeySpelling,
  checkValues,
  checkNames,
  checkPointers,
  checkCloseCodes,
  checkErrorCodes,
  checkOperations,
  checkOutcomes,
  checkAddresses,
  checkServers,
  checkRepeatedPaths,
  checkUnusedMessages,
  checkTags,
  checkUnchecked,
  checkKeywords,
  checkSatisfiable,
  checkCycles,
  checkCompiled,
  checkExamples,
  checkWords,
  checkReplies,
  checkHandshake,
  checkPerspective,
  checkNotRead,
];

/**
 * @returns the contract, undefined where a finding is blocking, and the findings by file, line and column
 */
export async function lint(options: LoadOptions): Promise<{ contract: Contract | undefined; findings: Finding[] }> {
  const { contract, tree, original, findings } = await loadWithTree(options);
  const official = original === undefined ? [] : [...(await checkStructure(original)), ...checkVersionRules(original)];
  if (contract === undefined || tree === undefined) return { contract: undefined, findings: sorted([...findings, ...official]) };
  const checked = { tree, contract, validators: createValidators(contract), ours: usesVocabulary(contract) };
  const all = [...findings, ...official, ...checks.flatMap((check) => guarded(check, checked))];
  // The official parser has the last word on a document in which we find no error.
  if (!all.some(({ severity }) => severity === "error")) {
    const { validateWithParser } = await import("./parser.ts");
    all.push(...(await validateWithParser(original!)));
  }
  const blocked = all.some(({ blocking }) => blocking);
  return { contract: blocked ? undefined : contract, findings: sorted(all) };
}

/** A check that runs out of stack on an unusual document says so; the others still run. */
function guarded(check: Check, checked: Checked): Finding[] {
  try {
    return check(checked);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const text = { severity: "warning", id: "check-incomplete", expected: "a document that every check can read" } as const;
    return [at(checked.tree, "#", { ...text, actual: error.message, fix: "simplify the recursive or deeply nested schemas" })];
  }
}

/** Checks of the document's form, of which several may see one mistake; the first says what to do about it. */
const formIds = new Set(["key-unknown", "document-structure", "vocabulary-value"]);

/** By place; one mistake seen by two routes is said once. */
function sorted(findings: readonly Finding[]): Finding[] {
  const unique = new Map<string, Finding>();
  for (const finding of findings) {
    const { file, line, column, id, expected, actual } = finding;
    const key = [file, line, column, ...(formIds.has(id) ? ["form"] : [id, expected]), actual].join("\n");
    if (!unique.has(key)) unique.set(key, finding);
  }
  return [...unique.values()].sort(
    (a, b) => (a.file === b.file ? 0 : a.file < b.file ? -1 : 1) || a.line - b.line || a.column - b.column,
  );
}
