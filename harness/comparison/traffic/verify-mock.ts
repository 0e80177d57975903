// verify against the mock of one document: where they disagree, the generator, the mock or the harness is wrong.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Contract } from "../../../spec/contract.ts";
import { endpointsOf } from "../../../spec/endpoints.ts";
import { loadContract } from "../../../spec/load-contract.ts";
import { sampleOf } from "../../../spec/sample.ts";
import type { Report } from "../../conformance/result.ts";
import { runProgram, startProgram } from "./start-program.ts";

export interface Agreement {
  readonly url: string;
  readonly passed: number;
  /** Rules that failed, warned or were inconclusive, each as a line. */
  readonly disagreements: readonly string[];
  /** Rules that could not be tested, each as a line. */
  readonly untestable: readonly string[];
  /** Of verify. */
  readonly code: number;
}

const secret = "a-secret-of-more-than-32-bytes-for-trials";
/** Shorter than the documents say, where these advertise the number: a run can wait for all of them. */
const quick: Readonly<Record<string, number>> = {
  ...{ "heartbeat.intervalMs": 1_500, "heartbeat.timeoutMs": 2_500, tokenGraceMs: 2_500 },
  ...{ queuedBytes: 524_288, connectionsPerUser: 6, roomsPerConnection: 12, membersPerRoom: 16 },
};

/**
 * Verifies the mock of a document, each endpoint in turn, with the mock as a process of its own that the last phase ends.
 * @param more further arguments of verify
 * @returns a sentence where the document cannot be served
 */
export async function verifyMock(
  spec: string,
  seed: number,
  more: readonly string[] = [],
): Promise<readonly Agreement[] | string> {
  const { contract, findings } = await loadContract({ file: spec });
  if (contract === undefined) return `does not load: ${findings.find(({ blocking }) => blocking)?.actual}`;
  const endpoints = endpointsOf(contract);
  if (endpoints.length === 0) return "has no WebSocket channel";
  const agreements: Agreement[] = [];
  for (const index of endpoints.keys()) agreements.push(await verifyEndpoint(spec, contract, index, seed, more));
  return agreements;
}

async function verifyEndpoint(
  spec: string,
  contract: Contract,
  index: number,
  seed: number,
  more: readonly string[],
): Promise<Agreement> {
  const channel = endpointsOf(contract)[index]!.channels.map((id) => contract.channels.find((one) => one.id === id)!)[0]!;
  const credentials = channel.handshake?.credentials;
  const isShared = credentials?.scheme === "jwt" && (credentials.algorithms[0] ?? "HS256").startsWith("HS");
  const auth = credentials === undefined ? [] : isShared ? ["--auth-secret", secret] : ["--auth-token", "token-of-the-trial"];
  const { heartbeat, limits } = channel;
  const advertised = [
    ...(["intervalMs", "timeoutMs"] as const).flatMap((key) => (heartbeat?.advertised[key] ? [`heartbeat.${key}`] : [])),
    ...limits.flatMap(({ name, advertised }) => (advertised === undefined ? [] : [name])),
  ];
  const set = Object.entries(quick).flatMap(([name, value]) => (advertised.includes(name) ? ["--set", `${name}=${value}`] : []));
  const count = endpointsOf(contract).length;
  const listening = /listening on (\S+)/g;
  const mock = await startProgram(
    ["mock", "--spec", spec, "--port", "0", "--seed", String(seed), ...auth, ...set],
    (output) => [...output.matchAll(listening)].length >= count,
  );
  const reports = await mkdtemp(path.join(tmpdir(), "wsproof-mock-trial-"));
  try {
    const needed = new URLSearchParams();
    for (const { name, required, schema } of channel.handshake?.query ?? [])
      if (required) needed.set(name, String(sampleOf(schema, contract.definitions)));
    const own = [...mock.output.matchAll(listening)][index]![1]!.replaceAll(/\{[^{}]*\}/g, "CP-1");
    const url = needed.size === 0 || own.includes("?") ? own : `${own}?${needed}`;
    const json = path.join(reports, "report.json");
    const words = ["verify", url, "--spec", spec, "--seed", String(seed), "--pid", String(mock.child.pid), "--json", json];
    const { code, output } = await runProgram([...words, ...auth, ...more]);
    const text = await readFile(json, "utf8").catch(() => undefined);
    if (text === undefined) return { url, passed: 0, untestable: [], code, disagreements: [output.slice(-1_000)] };
    const { rules } = JSON.parse(text) as Report;
    const line = ({ id, failures, reason }: Report["rules"][number]) =>
      `${id}: expected ${failures[0]?.expected}, got ${failures[0]?.actual ?? reason}`;
    const bad = rules.filter(({ verdict }) => verdict === "fail" || verdict === "warn" || verdict === "inconclusive");
    const untestable = rules.filter(({ verdict }) => verdict === "not-testable").map(({ id, reason }) => `${id}: ${reason}`);
    const passed = rules.filter(({ verdict }) => verdict === "pass").length;
    return { url, passed, disagreements: bad.map(line), untestable, code };
  } finally {
    await mock.stop();
    await rm(reports, { recursive: true });
  }
}
