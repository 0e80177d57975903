// Twelve lines of the server, broken one at a time: the rule that stands beside each line catches it.
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { openRun } from "../conformance/open-run.ts";
import { phases } from "../conformance/rules.ts";
import { startEmbedded } from "../testbed/reference-process.ts";
import { claimsOf } from "./mutants.ts";
import { judgeClaim, targetOf } from "./run-mutant.ts";
import { shortTimes } from "./servers.ts";
import { brokenLines } from "./source-mutants.ts";
import { loadOwnSubject } from "./subject.ts";

const subject = await loadOwnSubject();
const root = fileURLToPath(new URL("../../", import.meta.url));
// Within the project, so that the copies find its packages.
const copies = join(root, ".wsproof", "lines");
afterAll(() => rmSync(copies, { recursive: true, force: true }));

/** A copy of the built server with the line broken. */
function copyWith({ file, from, to }: (typeof brokenLines)[number], at: number): string {
  const folder = join(copies, `${process.pid}-${at}`);
  for (const part of ["reference", "generated"]) cpSync(join(root, "dist", part), join(folder, part), { recursive: true });
  const path = join(folder, "reference", file);
  const source = readFileSync(path, "utf8");
  if (source.split(from).length !== 2) throw new Error(`${file} does not have the line once: ${from}`);
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  return join(folder, "reference", "main.js");
}

describe.concurrent("a broken line", () => {
  it.each(brokenLines.map((line, at) => [line.about, line.rule, line, at] as const))(
    "%s: %s",
    async (_about, _rule, line, at) => {
      const server = await startEmbedded({ path: subject.channel.address, env: shortTimes, main: copyWith(line, at) });
      try {
        const target = targetOf(server, server.url);
        const { run, end } = await openRun({ ...subject, target, auth: { secret: server.secret }, timeoutMs: 1_500, runs: 100 });
        const verdicts: string[] = [];
        for (const claim of claimsOf(phases, subject, [line.rule])) {
          verdicts.push((await judgeClaim(run, claim)).verdict);
          if (verdicts.includes("convicts") || claim.rule.check === "whole-phase") break;
        }
        await end();
        expect(verdicts).toContain("convicts");
      } finally {
        await server.stop();
      }
    },
  );
});
