// `npm run mutation`: tests the rules against mutants of the server and of the document. Takes some minutes, and says so.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { phases } from "../conformance/rules.ts";
import { emitDocumentMutants, figureOf } from "./emit-document-mutants.ts";
import { emitKillMatrix, emitRun } from "./emit-kill-matrix.ts";
import { emitMutationReport } from "./emit-mutation-report.ts";
import { loadOwnContract } from "./own-contract.ts";
import { coverageOf, promisesOf } from "./promises.ts";
import { faultsOf, rulesUnderTest, withoutFault } from "./rules-under-test.ts";
import { type DocumentMutantSummary, runDocumentMutants, summarize } from "./run-document-mutants.ts";
import { runKillMatrix } from "./run-kill-matrix.ts";
import { createMutationRunner, type MutationResult } from "./run-mutant.ts";
import { problemOf, runTasks, tasksOf } from "./run-mutants.ts";
import { uncoveredReasonFor } from "./uncovered-reasons.ts";

const usage = `npm run mutation -- [--part named|matrix|documents|promises]... [--only RULE]... [--mutant KIND]... [--minutes N]
  named     each rule on the honest server and on each mutant that it names (about 10 minutes); writes generated/MUTATION.md
  matrix    each quick rule on each mutant (takes the longest); writes generated/KILL-MATRIX.md
  documents the honest server against document mutants (about 8 minutes); writes generated/DOCUMENT-MUTANTS.md
  promises  which promises of the document have a rule (at once)
  --only    rules with this id, or whose id begins with it
  --mutant  document mutants of this kind, or whose id begins with it, such as "effect-removed #/operations/x"
  --minutes maximum duration, default 30; the run fails if something was not reached by then`;

const { values } = parseArgs({
  options: {
    part: { type: "string", multiple: true },
    only: { type: "string", multiple: true },
    mutant: { type: "string", multiple: true },
    minutes: { type: "string", default: "30" },
    help: { type: "boolean" },
  },
});
const parts = values.part ?? ["promises", "named", "matrix", "documents"];
const write = (text: string) => process.stdout.write(text);
if (values.help === true) write(`${usage}\n`);
else process.exitCode = await run();

/** @returns the exit code: 0 all mutants killed or explained, 1 a problem was found */
async function run(): Promise<number> {
  const deadlineMs = performance.now() + Number(values.minutes) * 60_000;
  const isLate = () => performance.now() > deadlineMs;
  const subject = await loadOwnContract();
  const rules = rulesUnderTest(phases, subject, values.only);
  const faults = faultsOf(rules);
  const ids = new Set(rules.map(({ rule }) => rule.id));
  const problems: string[] = [...withoutFault(rules)];
  const results: MutationResult[] = [];
  let documents: DocumentMutantSummary | undefined;
  write(
    `${ids.size} rules for ${rules.length} clauses, ${faults.length} planted faults. Parts: ${parts.join(", ")}; at most ${values.minutes} minutes.\n`,
  );

  const coverage = coverageOf(promisesOf(subject.contract), rulesUnderTest(phases, subject));
  const bare = coverage.filter((one) => one.rules.length === 0);
  const reasons = new Map(bare.map((promise) => [promise.pointer, uncoveredReasonFor(subject.contract, promise) ?? ""]));
  if (parts.includes("promises")) {
    write(`promises  ${coverage.length - bare.length} of ${coverage.length} have a rule\n`);
    for (const { pointer, kind, text } of bare)
      write(`  no rule: ${pointer} (${kind} ${text}): ${reasons.get(pointer) || "?"}\n`);
    const unexplained = bare.filter(({ pointer }) => reasons.get(pointer) === "");
    problems.push(...unexplained.map(({ pointer }) => `${pointer} has neither a rule nor a reason`));
  }

  if (parts.includes("named")) {
    const runner = createMutationRunner(subject);
    const tasks = tasksOf(rules);
    const progress = progressOf("named", tasks.length);
    try {
      const made = await runTasks(runner, tasks, (result) => progress(result.rule), isLate);
      results.push(...made);
      problems.push(...made.map(problemOf).filter((one) => one !== undefined));
      if (made.length < tasks.length) problems.push(`named: only ${made.length} of ${tasks.length} were reached in time`);
    } finally {
      await runner.end();
    }
  }

  if (parts.includes("matrix")) {
    const matrix = await runKillMatrix(subject, rules, faults, (round, total) => progressOf(`matrix ${round}`, total), isLate);
    results.push(...matrix.results);
    if (matrix.left > 0) problems.push(`matrix: ${matrix.left} were not reached in time`);
    else if (values.only === undefined) writeFileSync(generated("KILL-MATRIX.md"), emitKillMatrix(rules, faults, matrix.results));
  }

  if (parts.includes("documents")) {
    const only = values.mutant ?? [];
    const tell = (round: string, total: number) => progressOf(`documents ${round}`, total);
    const made = await runDocumentMutants(subject, phases, only, tell, isLate);
    const isWhole = only.length === 0 && made.left === 0;
    documents = summarize(subject.contract, made.results, isWhole);
    write(`documents ${figureOf(documents)}\n`);
    for (const { mutant, reason } of documents.explained) write(`  survived: ${mutant.id}: ${reason}\n`);
    problems.push(...documents.problems);
    if (made.left > 0) problems.push(`documents: ${made.left} were not reached in time`);
    if (isWhole && documents.problems.length === 0)
      writeFileSync(generated("DOCUMENT-MUTANTS.md"), emitDocumentMutants(documents));
  }

  mkdirSync(".wsproof", { recursive: true });
  writeFileSync(".wsproof/mutation.txt", emitRun(results, documents));
  const mutants = [...(documents?.killed ?? []), ...(documents?.explained ?? []), ...(documents?.unexplained ?? [])].map(
    ({ mutant, ...result }) => ({ mutant: mutant.id, ...result }),
  );
  writeFileSync(".wsproof/mutation.json", `${JSON.stringify({ problems, results, mutants, coverage }, undefined, 1)}\n`);
  if (values.only === undefined && parts.includes("named") && problems.length === 0) {
    writeFileSync(generated("MUTATION.md"), emitMutationReport(rules, faults, coverage, reasons));
  }
  for (const one of problems) write(`PROBLEM  ${one}\n`);
  write(problems.length === 0 ? "All mutants are killed or explained.\n" : `${problems.length} problems.\n`);
  write("Killers are in .wsproof/mutation.txt, all results in .wsproof/mutation.json.\n");
  return problems.length === 0 ? 0 : 1;
}

/** Prints a line for each tenth, and at least one in half a minute. */
function progressOf(part: string, total: number): (what: string) => void {
  const startMs = performance.now();
  let done = 0;
  let toldMs = startMs;
  return (what) => {
    done += 1;
    const nowMs = performance.now();
    if (done % Math.max(1, Math.ceil(total / 10)) !== 0 && done !== total && nowMs - toldMs < 30_000) return;
    toldMs = nowMs;
    write(`${part.padEnd(9)} ${done} of ${total}, ${Math.round((nowMs - startMs) / 1000)} s  ${what}\n`);
  };
}

/** From source and from dist/ alike. */
function generated(name: string): string {
  const up = import.meta.url.includes("/dist/") ? "../../../" : "../../";
  return fileURLToPath(new URL(`${up}generated/${name}`, import.meta.url));
}
