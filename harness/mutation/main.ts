// `npm run mutation`: every rule behind every fault that it names, altered documents, and promises without a rule. Takes some minutes, and says so.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { phases } from "../conformance/rules.ts";
import { emitAltered, figureOf } from "./emit-document-mutants.ts";
import { emitCross, emitMatrix, emitProof } from "./emit-proof.ts";
import { claimsOf, faultsOf } from "./mutants.ts";
import { coverageOf, promisesOf } from "./promises.ts";
import { reasonFor } from "./reasons.ts";
import { type MutantResult, runMutants, weigh } from "./run-document-mutants.ts";
import { runCross } from "./run-kill-matrix.ts";
import { createProver, type Proof } from "./run-mutant.ts";
import { complaint, runTasks, tasksOf, unclaimed } from "./run-mutants.ts";
import { loadOwnSubject } from "./subject.ts";

const usage = `npm run mutation -- [--part named|cross|mutants|promises]... [--only RULE]... [--mutant KIND]... [--minutes N]
  named     each rule on the honest server and behind each fault that it names (about 10 minutes)
  cross     each quick rule behind each fault (about 8 minutes); writes generated/CROSS.md
  mutants   the honest server held to documents with one promise altered (about 8 minutes); writes generated/ALTERED.md
  promises  which promises of the document have a rule (at once)
  --mutant  only the altered documents of this kind, or whose id begins like this, such as "effect-removed #/operations/x"
  --minutes how long it may take, default 30; what is not reached by then is told, and fails the run`;

const { values } = parseArgs({
  options: {
    part: { type: "string", multiple: true },
    only: { type: "string", multiple: true },
    mutant: { type: "string", multiple: true },
    minutes: { type: "string", default: "30" },
    help: { type: "boolean" },
  },
});
const parts = values.part ?? ["promises", "named", "cross", "mutants"];
const write = (text: string) => process.stdout.write(text);
if (values.help === true) write(`${usage}\n`);
else process.exitCode = await prove();

/** @returns the exit code: 0 proven, 1 something is wrong */
async function prove(): Promise<number> {
  const deadlineMs = performance.now() + Number(values.minutes) * 60_000;
  const isLate = () => performance.now() > deadlineMs;
  const subject = await loadOwnSubject();
  const claims = claimsOf(phases, subject, values.only);
  const faults = faultsOf(claims);
  const rules = new Set(claims.map(({ rule }) => rule.id));
  const complaints: string[] = [...unclaimed(claims)];
  const proofs: Proof[] = [];
  let altered: MutantResult | undefined;
  write(
    `Proves ${rules.size} rules for ${claims.length} promises, by ${faults.length} faults. Parts: ${parts.join(", ")}; at most ${values.minutes} minutes.\n`,
  );

  const coverage = coverageOf(promisesOf(subject.contract), claimsOf(phases, subject));
  const bare = coverage.filter((one) => one.rules.length === 0);
  const reasons = new Map(bare.map((promise) => [promise.pointer, reasonFor(subject.contract, promise) ?? ""]));
  if (parts.includes("promises")) {
    write(`promises  ${coverage.length - bare.length} of ${coverage.length} have a rule\n`);
    for (const { pointer, kind, text } of bare)
      write(`  no rule: ${pointer} (${kind} ${text}): ${reasons.get(pointer) || "?"}\n`);
    complaints.push(
      ...bare
        .filter(({ pointer }) => reasons.get(pointer) === "")
        .map(({ pointer }) => `${pointer} has neither a rule nor a reason`),
    );
  }

  if (parts.includes("named")) {
    const prover = createProver(subject);
    const tasks = tasksOf(claims);
    const progress = progressOf("named", tasks.length);
    try {
      const made = await runTasks(prover, tasks, (proof) => progress(proof.rule), isLate);
      proofs.push(...made);
      complaints.push(...made.map(complaint).filter((one) => one !== undefined));
      if (made.length < tasks.length) complaints.push(`named: only ${made.length} of ${tasks.length} were reached in time`);
    } finally {
      await prover.end();
    }
  }

  if (parts.includes("cross")) {
    const cross = await runCross(subject, claims, faults, (round, total) => progressOf(`cross ${round}`, total), isLate);
    proofs.push(...cross.proofs);
    if (cross.left > 0) complaints.push(`cross: ${cross.left} were not reached in time`);
    else if (values.only === undefined) writeFileSync(generated("CROSS.md"), emitCross(claims, faults, cross.proofs));
  }

  if (parts.includes("mutants")) {
    const only = values.mutant ?? [];
    const tell = (stage: string, total: number) => progressOf(`mutants ${stage}`, total);
    const { judgements, left } = await runMutants(subject, phases, only, tell, isLate);
    const isWhole = only.length === 0 && left === 0;
    altered = weigh(subject.contract, judgements, isWhole);
    write(`mutants   ${figureOf(altered)}\n`);
    for (const { mutant, reason } of altered.explained) write(`  explained: ${mutant.id}: ${reason}\n`);
    complaints.push(...altered.complaints);
    if (left > 0) complaints.push(`mutants: ${left} were not reached in time`);
    if (isWhole && altered.complaints.length === 0) writeFileSync(generated("ALTERED.md"), emitAltered(altered));
  }

  mkdirSync(".wsproof", { recursive: true });
  writeFileSync(".wsproof/proof.txt", emitMatrix(proofs, altered));
  const told = [...(altered?.noticed ?? []), ...(altered?.explained ?? []), ...(altered?.unexplained ?? [])].map(
    ({ mutant, ...judgement }) => ({ mutant: mutant.id, ...judgement }),
  );
  writeFileSync(".wsproof/proof.json", `${JSON.stringify({ complaints, proofs, mutants: told, coverage }, undefined, 1)}\n`);
  if (values.only === undefined && parts.includes("named") && complaints.length === 0) {
    writeFileSync(generated("PROOF.md"), emitProof(claims, faults, coverage, reasons));
  }
  for (const one of complaints) write(`WRONG  ${one}\n`);
  const isProven = complaints.length === 0;
  write(isProven ? "Proven.\n" : `${complaints.length} things are wrong.\n`);
  write("The matrix is in .wsproof/proof.txt, all of it in .wsproof/proof.json.\n");
  return isProven ? 0 : 1;
}

/** A line for each tenth, and at least one in half a minute. */
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
