// npm run bench:peers: the reference beside other servers, and beside the limit. Writes generated/PEERS.md.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { UsageError } from "../schema/errors.ts";
import { emitPeers, type Machine } from "./emit-comparison.ts";
import { measureConnections } from "./measure-connections.ts";
import { measureEcho } from "./measure-echo.ts";
import { measureFanOut, probeFrameBytes } from "./measure-fan-out.ts";
import { measureMemory } from "./measure-memory.ts";
import { type Plan, quickPlan, wholePlan } from "./plan.ts";
import { type Part, parts, type Results } from "./results.ts";
import { createStage } from "./run-servers.ts";
import type { PeerId } from "./servers.ts";

const help = `npm run bench:peers -- [options]

  --rounds N      how often each server has its turn, 1 to 100 (default ${wholePlan.rounds})
  --only PART     one part alone: ${parts.join(", ")}. The others are those of the last run
                  on this machine, in .wsproof/peers.json, where there was one
  --quick         one short round with few members, to see that all works; writes nothing
  --help          prints this

Bun is compared where it is installed: npm install --no-save --ignore-scripts @oven/bun-linux-x64
Prints the tables, and writes them to generated/PEERS.md once every part has been measured.
Needs Linux (/proc), two cores, and for 10 000 connections \`ulimit -n\` of 12000.
`;

const saved = ".wsproof/peers.json";

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: "string" }, only: { type: "string" }, quick: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const only = values.only === undefined ? parts : [partNamed(values.only)];
  const base = values.quick ? quickPlan : wholePlan;
  const plan = { ...base, rounds: values.rounds === undefined ? base.rounds : roundsOf(values.rounds) };
  const machine = describeMachine();
  const last = values.quick || only.length === parts.length ? nothing : lastRun(machine, plan);

  const startMs = performance.now();
  const say = (line: string) =>
    process.stderr.write(
      `${Math.round((performance.now() - startMs) / 1000)
        .toString()
        .padStart(4)} s  ${line}\n`,
    );
  let frameBytes = 0;
  const stage = createStage(say, () => frameBytes);
  let { results } = last;
  if (only.includes("fanout") || only.includes("connections")) frameBytes = await probeFrameBytes();
  for (const part of only) {
    if (part === "fanout") {
      results = { ...results, fanout: await measureFanOut(plan, stage) };
    } else if (part === "echo") results = { ...results, echo: await measureEcho(plan, stage) };
    else if (part === "connections") results = { ...results, connections: await measureConnections(plan, stage) };
    else results = { ...results, memory: await measureMemory(plan, stage) };
    if (!values.quick) save(machine, plan, { results, absent: [...new Map([...last.absent, ...stage.absent])] });
  }

  const text = emitPeers({ machine, plan, results, absent: new Map([...last.absent, ...stage.absent]) });
  process.stdout.write(text);
  if (values.quick) return;
  const missing = parts.filter((part) => results[part] === undefined);
  if (missing.length > 0) say(`generated/PEERS.md is not written: ${missing.join(", ")} not measured yet`);
  else writeFileSync(fileURLToPath(tableFile()), text);
}

function partNamed(name: string): Part {
  const part = parts.find((one) => one === name);
  if (part === undefined) throw new UsageError(`expected --only ${parts.join(", ")}, got "${name}"`);
  return part;
}

function roundsOf(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    throw new UsageError(`expected --rounds from 1 to 100, got "${text}"`);
  return rounds;
}

function describeMachine(): Machine {
  const cpus = os.cpus();
  return { cores: cpus.length, cpu: cpus[0]?.model ?? "unknown", node: process.version, system: os.type() };
}

interface LastRun {
  readonly results: Results;
  readonly absent: readonly [PeerId, string][];
}
const nothing: LastRun = { results: {}, absent: [] };

/** What it measured, where it was on such a machine and by the same plan; else nothing. */
function lastRun(machine: Machine, plan: Plan): LastRun {
  try {
    const last = JSON.parse(readFileSync(saved, "utf8"));
    const isSame = JSON.stringify([last.machine, last.plan]) === JSON.stringify([machine, plan]);
    return isSame ? last : nothing;
  } catch {
    return nothing;
  }
}

function save(machine: Machine, plan: Plan, run: LastRun): void {
  mkdirSync(".wsproof", { recursive: true });
  writeFileSync(saved, `${JSON.stringify({ machine, plan, ...run })}\n`);
}

/** From source and from dist/ alike. */
function tableFile(): URL {
  return new URL(`${import.meta.url.includes("/dist/") ? "../../../" : "../../"}generated/PEERS.md`, import.meta.url);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench:peers: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
