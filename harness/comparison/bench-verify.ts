// npm run bench:verify -- FOLDER: how long verify takes, in turns with another build of wsproof. Writes generated/VERIFY.md.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../schema/errors.ts";
import { ratioSpread, type Spread, spreadOf } from "./statistics.ts";

const help = `npm run bench:verify -- FOLDER [ROUNDS]

  FOLDER   a checkout of another commit, with its dist/ and node_modules
  ROUNDS   how often each has its turn, 1 to 20 (default 3)

For one: git worktree add FOLDER COMMIT && cd FOLDER && npm ci && npm run build
`;
const own = fileURLToPath(new URL("../cli.js", import.meta.url));
const table = fileURLToPath(new URL("../../../generated/VERIFY.md", import.meta.url));
const wholeRun = ["verify", "--seed", "1"];
const shortRun = ["verify", "--seed", "1", "--only", "limits-rate"];

/** @returns seconds that passed @throws Error where it ends with another code than 0 */
function secondsOf(args: readonly string[]): number {
  const startMs = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stdout.slice(-1_000)}${stderr}`);
  return (performance.now() - startMs) / 1000;
}

interface Timed {
  readonly name: string;
  readonly args: readonly string[];
  readonly seconds: number[];
}

function measure(all: readonly Timed[], rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    for (const at of all.keys()) {
      const { name, args, seconds } = all[(at + round) % all.length]!;
      seconds.push(secondsOf(args));
      process.stderr.write(`round ${round + 1} of ${rounds}: ${name} ${seconds.at(-1)!.toFixed(1)} s\n`);
    }
  }
}

const digits = (value: number): string => value.toFixed(2);
const spread = ({ median, least, most }: Spread): string => `${digits(median)} (${digits(least)} to ${digits(most)})`;

function row(what: string, one: Timed, by: Timed, target: number): string {
  const ratio = ratioSpread(one.seconds, by.seconds);
  const isMet = ratio.median <= target;
  const cells = [what, spread(spreadOf(one.seconds)), spread(spreadOf(by.seconds)), spread(ratio)];
  return `| ${[...cells, `at most ${target}: ${isMet ? "met" : "**missed**"}`].join(" | ")} |`;
}

function main([folder, rounds = "3"]: readonly string[]): void {
  if (folder === undefined || folder === "--help") {
    process.stdout.write(help);
    return;
  }
  const other = path.resolve(folder, "dist/harness/cli.js");
  if (!existsSync(other)) throw new UsageError(`${other} does not exist: build the other commit first`);
  const count = Number(rounds);
  if (!Number.isInteger(count) || count < 1 || count > 20) throw new UsageError(`expected ROUNDS from 1 to 20, got "${rounds}"`);
  const timed = (name: string, args: readonly string[]): Timed => ({ name, args, seconds: [] });
  const [whole, before, short, node] = [
    timed("verify", [own, ...wholeRun]),
    timed("verify of the other build", [other, ...wholeRun]),
    timed("verify --only limits-rate", [own, ...shortRun]),
    timed("node -e 0", ["-e", "0"]),
  ] as const;
  const loadBefore = os.loadavg()[0]!;
  measure([whole, before, short, node], count);
  const [cpu] = os.cpus();
  const commit = spawnSync("git", ["-C", folder, "rev-parse", "--short", "HEAD"], { encoding: "utf8" }).stdout.trim();
  const text = `# How long verify takes

<!-- Written by \`npm run bench:verify -- FOLDER\`. Do not edit. -->

\`npm run bench:verify\` on ${os.cpus().length} cores (${cpu?.model ?? "unknown"}), Node ${process.version}; the load was ${loadBefore.toFixed(1)} at the start and ${os.loadavg()[0]!.toFixed(1)} at the end, of other work as well. Each has its turn ${count} times; a figure is the median in seconds, with the least and the most. Ratios are of the same round. The other build is of commit ${commit || "unknown"}.

| what | seconds | seconds of what it is compared with | ratio | target |
| --- | --- | --- | --- | --- |
${row("`wsproof verify` on the embedded reference, by the other build", whole, before, 0.5)}
${row("`wsproof verify --only limits-rate`, by `node -e 0`", short, node, 15)}
`;
  process.stdout.write(text);
  writeFileSync(table, text);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench:verify: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
