// npm run bench:tools [-- FOLDER]: how fast the tools are on this machine, beside their targets; with the checkout of another commit
// (built, with its node_modules), also what they cost beside it. Prints what it measured; judges nothing.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath, pathToFileURL } from "node:url";
import { launchChromium } from "./audit-page.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const cli = path.join(root, "dist/harness/cli.js");
const specFile = path.join(root, "spec/asyncapi.yaml");
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-bench-"));
const repetitions = 5;

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const times = (ratio: number) => `${ratio.toFixed(2)} times`;

function print(what: string, measured: string, target: string): void {
  process.stdout.write(`${what.padEnd(58)} ${measured.padEnd(28)} target ${target}\n`);
}

/** Median wall time of a program that ends, in ms. */
function runs(args: readonly string[], before?: () => void): number {
  return median(
    Array.from({ length: repetitions }, () => {
      before?.();
      const start = performance.now();
      execFileSync(process.execPath, args, { cwd: root, stdio: "ignore" });
      return performance.now() - start;
    }),
  );
}

/** Resolves when the output holds `text`; rejects with all of it when the program ends before. */
function says(child: ChildProcess, text: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer) => {
      output += chunk;
      if (text.test(output)) resolve();
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.on("exit", () => reject(new Error(`the program ended before it said ${text}:\n${output}`)));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  child.removeAllListeners("exit");
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** Median time until the program says that it listens, in ms. */
async function starts(args: readonly string[], text: RegExp): Promise<number> {
  const measured: number[] = [];
  for (let index = 0; index < repetitions; index++) {
    const start = performance.now();
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    await says(child, text);
    measured.push(performance.now() - start);
    await stop(child);
  }
  return median(measured);
}

async function watchedChange(): Promise<number> {
  const file = path.join(folder, "watched.yaml");
  cpSync(specFile, file);
  const args = [cli, "generate", "--spec", file, "--out", path.join(folder, "watched"), "--watch"];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  await says(child, /Watching/);
  const measured: number[] = [];
  for (let index = 0; index < repetitions; index++) {
    const changed = says(child, /changed: .*types\.gen\.ts/);
    const start = performance.now();
    writeFileSync(file, readFileSync(specFile, "utf8").replace("Names one connection.\n", `Names one connection (${index}).\n`));
    await changed;
    measured.push(performance.now() - start);
    child.removeAllListeners("exit");
    child.stdout?.removeAllListeners("data");
    child.stderr?.removeAllListeners("data");
  }
  await stop(child);
  return median(measured);
}

const bare = `
import { createServer } from "node:http";
import express from "express";
import { WebSocketServer } from "ws";
const server = createServer(express());
new WebSocketServer({ server });
server.listen(0, "127.0.0.1", () => console.log("listening"));
`;

/** How many times longer it takes to validate a chat frame than to parse its JSON. */
async function validation(): Promise<number> {
  const url = new URL("../generated/validators/chat.gen.js", import.meta.url);
  const { default: isChat } = (await import(url.href)) as { default: (value: unknown) => boolean };
  const text = JSON.stringify({ type: "chat", id: "c1", payload: { room: "lobby", content: "Hello, how are you all today?" } });
  const value: unknown = JSON.parse(text);
  const rounds = 1_000_000;
  const time = (work: () => unknown) => {
    let kept: unknown;
    for (let index = 0; index < rounds / 10; index++) kept = work();
    const start = performance.now();
    for (let index = 0; index < rounds; index++) kept = work();
    return kept === false ? Number.NaN : performance.now() - start;
  };
  const ratios = Array.from({ length: repetitions }, () => time(() => isChat(value)) / time(() => JSON.parse(text)));
  return median(ratios);
}

/** CPU time of a program that ends, user and system, in ms. */
function cpuMs(args: readonly string[]): number {
  const quoted = [process.execPath, ...args].map((one) => `'${one}'`).join(" ");
  const { stderr } = spawnSync("bash", ["-c", `TIMEFORMAT='%U %S'; time ${quoted} >/dev/null`], { cwd: root, encoding: "utf8" });
  const [user, system] = stderr.trim().split(/\s+/).map(Number);
  return (user! + system!) * 1000;
}

/** How many times the CPU of another build a command costs, on the document that each build has; the two take turns. */
function besideOther(other: string, argsOf: (cli: string) => readonly string[], before: () => void = () => undefined): number {
  return median(
    Array.from({ length: repetitions }, () => {
      before();
      const own = cpuMs(argsOf(cli));
      before();
      return own / cpuMs(argsOf(path.join(path.resolve(other), "dist/harness/cli.js")));
    }),
  );
}

/** A run with 300 rules that fail, each for a cause of its own. */
function redRun(summarise: (results: readonly unknown[]) => unknown): unknown {
  const frames = Array.from({ length: 30 }, (_, at) => ({
    ...{ kind: "send", atMs: 100 + at, connection: 7, json: true, bytes: 60 },
    frame: { text: JSON.stringify({ type: "chat", id: `c${at}`, payload: { content: "Hello, how are you?" } }) },
  }));
  const results = Array.from({ length: 300 }, (_, at) => {
    const letters = [...String(at)].map((digit) => String.fromCharCode(97 + Number(digit))).join("");
    const said = { pointer: "#/channels/x", text: "The sentence.", expected: "close 1000", actual: `close of kind ${letters}` };
    const failure = { ...said, failed: 4, runs: 4, steps: ["one", "two"], frames, seed: 1, replay: "npx wsproof verify" };
    const rule = { id: `rule-${letters}`, level: "MUST", phase: "frames", title: `does what ${letters} asks`, verdict: "fail" };
    return { ...rule, reason: undefined, observed: 1, vacuous: false, durationMs: 1, failures: [failure], notes: [] };
  });
  const opening = { title: "t", file: "x.yaml", targets: ["ws://h/"], embedded: false, perspective: "server", seed: 1 };
  const report = { results, interrupted: undefined, durationMs: 5000 };
  return { opening, report, summary: summarise(results), startedAt: new Date(), strict: false };
}

/** Opens the report of a run with 300 failures of different causes, and scrolls it to its end. */
async function redReportInChromium(): Promise<{ loadedMs: number; longestTaskMs: number }> {
  const file = path.join(folder, "red.html");
  const { emitHtml } = (await import(new URL("../harness/report/html.js", import.meta.url).href)) as {
    emitHtml: (runs: readonly unknown[]) => string;
  };
  const { summarise } = (await import(new URL("../harness/conformance/verdict.js", import.meta.url).href)) as {
    summarise: (results: readonly unknown[]) => unknown;
  };
  writeFileSync(file, emitHtml([redRun(summarise)]));
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    await tab.addInitScript(
      "window.longest = 0; new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) longest = Math.max(longest, duration) }).observe({ type: 'longtask', buffered: true })",
    );
    const measured: { loadedMs: number; longestTaskMs: number }[] = [];
    for (let index = 0; index < repetitions; index++) {
      await tab.goto(pathToFileURL(file).href);
      await tab.waitForTimeout(300);
      // The tasks of loading are part of the first figure.
      await tab.evaluate("longest = 0");
      for (let step = 0; step < 20; step++) {
        await tab.mouse.wheel(0, 2000);
        await tab.waitForTimeout(50);
      }
      const [loadedMs, longestTaskMs] = (await tab.evaluate(
        "[performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd, longest]",
      )) as [number, number];
      measured.push({ loadedMs, longestTaskMs });
    }
    return {
      loadedMs: median(measured.map((one) => one.loadedMs)),
      longestTaskMs: median(measured.map((one) => one.longestTaskMs)),
    };
  } finally {
    await browser.close();
  }
}

try {
  process.stdout.write(`Node ${process.version}; medians of ${repetitions} runs\n`);
  const out = path.join(folder, "cold");
  const emptied = () => rmSync(out, { recursive: true, force: true });
  const cold = runs([cli, "generate", "--out", out], emptied);
  const [, , other] = process.argv;
  if (other !== undefined) {
    print(
      `lint, to the build in ${path.basename(other)}, CPU in turns`,
      times(besideOther(other, (one) => [one, "lint"])),
      "0.6 times",
    );
    const generate = besideOther(other, (one) => [one, "generate", "--out", out], emptied);
    print(`generate, cold, to the build in ${path.basename(other)}, CPU in turns`, times(generate), "0.7 times");
  }
  print("generate, cold, our own document", seconds(cold), "3 s");
  print("generate --watch, from the change to the last file", seconds(await watchedChange()), "0.7 s");

  // Found from the project's node_modules: a program elsewhere would not see them.
  const plain = await starts(["--input-type=module", "-e", bare], /listening/);
  const serve = await starts([cli, "serve", "--dev", "--port", "0"], /listening/i);
  print("serve --dev, until it listens, to bare express + ws", `${times(serve / plain)} (${seconds(serve)})`, "2.5 times");

  // In turns, so that both meet the same load of the machine.
  const ratios = Array.from({ length: 2 * repetitions }, () => {
    const empty = cpuMs(["-e", "0"]);
    return cpuMs([cli, "--help"]) / empty;
  });
  print("wsproof --help, to node -e 0, CPU in turns", times(median(ratios)), "1.5 times");
  const { loadedMs, longestTaskMs } = await redReportInChromium();
  const page = `${Math.round(loadedMs)} ms, longest task of scrolling ${Math.round(longestTaskMs)} ms`;
  print("HTML of 300 failures, DOMContentLoaded in Chromium", page, "1000 ms, 100 ms");

  print("validating a chat frame, to parsing its JSON", times(await validation()), "less than 1");
} finally {
  rmSync(folder, { recursive: true });
}
