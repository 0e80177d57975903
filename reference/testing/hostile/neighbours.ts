// What flooders cost their neighbours: 8 flooders of a kind beside 50 honest clients, against the same clients alone.
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { floodKinds } from "./flood-kinds.ts";
import type { FloodReport } from "./flooder-process.ts";
import type { HonestReport } from "./honest-process.ts";
import { built, type ServerProcess, startServerProcess, tokenOf } from "./server-process.ts";

export const flooders = 8;
export const honestClients = 50;

/** What is measured in one window. */
interface Window {
  /** CPU of the server, in ms per second. */
  readonly cpuMsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface NeighboursRow {
  readonly kind: string;
  readonly alone: Window;
  readonly beside: Window;
  /** How the flooders' connections ended. */
  readonly ends: FloodReport;
  /** CPU of the server for one connection of a flooder, from its upgrade to its end, in ms. */
  readonly cpuMsPerFlooder: number;
}

export interface NeighboursResult {
  readonly rows: readonly NeighboursRow[];
  /** The honest clients over the whole run. */
  readonly honest: HonestReport;
}

export interface NeighboursPlan {
  readonly windowMs: number;
  readonly rounds: number;
  readonly kinds?: readonly string[];
}

/** Rates at which 50 honest clients are never refused, and flooders are. */
const env = { PUBLISH_PER_SECOND: "10", PUBLISH_USER_PER_SECOND: "20" };

export async function runNeighbours({
  windowMs,
  rounds,
  kinds = floodKinds.map(({ name }) => name),
}: NeighboursPlan): Promise<NeighboursResult> {
  const server = await startServerProcess(env);
  const honest = start("honest-process.js", [`${server.port}`, JSON.stringify(await tokens("honest", honestClients))]);
  try {
    await once(honest, "message");
    pin(server.pid, 0);
    pin(honest.pid!, 1);
    await sleep(windowMs);
    const rows: NeighboursRow[] = [];
    for (const kind of kinds) {
      const all: NeighboursRow[] = [];
      for (let round = 0; round < rounds; round++) all.push(await measure(server, honest, kind, windowMs));
      // The round whose cost is in the middle, so that all figures of a row belong together.
      rows.push(all.sort((one, other) => one.cpuMsPerFlooder - other.cpuMsPerFlooder)[Math.floor(rounds / 2)]!);
    }
    return { rows, honest: await ask<HonestReport>(honest, "stop") };
  } finally {
    honest.kill("SIGKILL");
    await server.stop("SIGKILL");
  }
}

async function measure(server: ServerProcess, honest: ChildProcess, kind: string, windowMs: number): Promise<NeighboursRow> {
  const alone = await measureWindow(server, honest, windowMs);
  const before = { ...(await server.probe()), atMs: performance.now() };
  const args = [kind, `${server.port}`, JSON.stringify(await tokens("flooder", flooders))];
  const flooder = start("flooder-process.js", args);
  pin(flooder.pid!, 1);
  try {
    // Its start is not part of the window.
    await sleep(windowMs / 4);
    const beside = await measureWindow(server, honest, windowMs);
    const ends = await ask<FloodReport>(flooder, "stop");
    const ended = Object.values(ends).reduce((sum, count) => sum + count, 0);
    const honestMs = (alone.cpuMsPerSecond * (performance.now() - before.atMs)) / 1000;
    const spentMs = (await server.probe()).cpuMs - before.cpuMs - honestMs;
    return { kind, alone, beside, ends, cpuMsPerFlooder: Math.max(0, spentMs / ended) };
  } finally {
    flooder.kill("SIGKILL");
  }
}

async function measureWindow(server: ServerProcess, honest: ChildProcess, windowMs: number): Promise<Window> {
  const before = await server.probe();
  const startedAt = performance.now();
  honest.send("reset");
  await once(honest, "message");
  await sleep(windowMs);
  const { p50Ms, p99Ms } = await ask<HonestReport>(honest, "read");
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await server.probe();
  return { cpuMsPerSecond: (after.cpuMs - before.cpuMs) / seconds, p50Ms, p99Ms };
}

function start(program: string, args: readonly string[]): ChildProcess {
  return fork(built(`testing/hostile/${program}`), [...args], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
}

async function ask<T>(child: ChildProcess, question: string): Promise<T> {
  const answered = once(child, "message") as Promise<[{ report: T }]>;
  child.send(question);
  const [{ report }] = await answered;
  return report;
}

/** Gives the server a core of its own, where there are two and taskset. */
function pin(pid: number, core: number): void {
  if (availableParallelism() > 1) spawnSync("taskset", ["-a", "-p", "-c", `${core}`, `${pid}`], { stdio: "ignore" });
}

const tokens = (prefix: string, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => tokenOf(`${prefix}-${index}`)));

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
