// verify through the recording proxy and without it: the verdict of each rule must be the same.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Report } from "../../conformance/result.ts";
import { runProgram, startProgram } from "./start-program.ts";

export interface ThroughRecord {
  readonly rules: number;
  /** Rules whose verdicts differ, each as a line. */
  readonly differences: readonly string[];
  /** What check finds in the history, each as a line. */
  readonly findings: readonly string[];
}

/** @param more arguments of verify, such as the credential and the phases */
export async function verifyThroughRecord(spec: string, url: string, more: readonly string[]): Promise<ThroughRecord> {
  const folder = await mkdtemp(path.join(tmpdir(), "wsproof-record-trial-"));
  const history = path.join(folder, "traffic.ndjson");
  try {
    const without = await verdictsOf(spec, url, more, path.join(folder, "without.json"));
    const proxy = await startProgram(["record", url, "--listen", "0", "-o", history], (output) =>
      /recording .* on \S+/.test(output),
    );
    let through: Map<string, string>;
    try {
      const own = new URL(/recording .* on (\S+)/.exec(proxy.output)![1]!);
      own.pathname = new URL(url).pathname;
      through = await verdictsOf(spec, own.href, more, path.join(folder, "through.json"));
    } finally {
      await proxy.stop();
    }
    const differences = [...new Set([...without.keys(), ...through.keys()])].flatMap((id) => {
      const [before, after] = [without.get(id) ?? "absent", through.get(id) ?? "absent"];
      return verdictOf(before) === verdictOf(after) ? [] : [`${id}: ${before} without, ${after} through record`];
    });
    const json = path.join(folder, "check.json");
    await runProgram(["check", history, "--spec", spec, "--json", json]);
    const { rules } = JSON.parse(await readFile(json, "utf8")) as Report;
    const findings = rules.flatMap(({ id, failures }) =>
      failures.map(({ actual, expected }) => `${id}: expected ${expected}, got ${actual}`),
    );
    return { rules: without.size, differences, findings };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const verdictOf = (text: string) => text.split(" ", 1)[0];

async function verdictsOf(spec: string, url: string, more: readonly string[], json: string): Promise<Map<string, string>> {
  const { output } = await runProgram(["verify", url, "--spec", spec, "--seed", "1", "--json", json, ...more]);
  const text = await readFile(json, "utf8").catch(() => {
    throw new Error(`verify of ${url} wrote no report; it printed: ${output.slice(-2_000)}`);
  });
  const { rules } = JSON.parse(text) as Report;
  return new Map(
    rules.map(({ id, verdict, failures, reason }) => [id, `${verdict} ${failures[0]?.actual ?? reason ?? ""}`.trim()]),
  );
}
