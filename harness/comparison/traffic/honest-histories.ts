// Histories of honest pairs, made by verify, bench and a simulated crowd, and what check finds in them: nothing, if it raises no false alarm.
import { appendFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { defaultSpecFile } from "../../../spec/load-contract.ts";
import type { Report } from "../../conformance/result.ts";
import { startReferenceProcess } from "../../testbed/reference-process.ts";
import { emitEvent, emitHeader } from "../../traffic/history-file.ts";
import { examples } from "../gallery/servers.ts";
import { playRooms } from "./rooms-history.ts";
import { runProgram, startProgram } from "./start-program.ts";

export interface HonestHistory {
  readonly name: string;
  readonly messages: number;
  /** Of the server, each as a line. */
  readonly findings: readonly string[];
}

type Maker = (file: string, seed: number) => Promise<{ readonly name: string; readonly spec: string }>;

/** Clients through record before the reference. */
const throughRecord =
  (name: string, words: (url: string, secret: string, seed: number) => readonly string[]): Maker =>
  async (file, seed) => {
    const reference = await startReferenceProcess({ path: "/ws" });
    const proxy = await startProgram(["record", reference.url, "--listen", "0", "-o", file], (text) =>
      /recording \S+ on \S+/.test(text),
    );
    try {
      await runProgram(words(`${/recording \S+ on (\S+)/.exec(proxy.output)![1]!}/ws`, reference.secret, seed));
    } finally {
      await proxy.stop();
      await reference.stop();
    }
    return { name, spec: defaultSpecFile };
  };

const verifyMockOf =
  (example: string): Maker =>
  async (file, seed) => {
    const spec = path.join(examples, example, "asyncapi.yaml");
    const mock = await startProgram(["mock", "--spec", spec, "--port", "0", "--seed", String(seed)], (text) =>
      /listening on \S+/.test(text),
    );
    try {
      const url = /listening on (\S+)/.exec(mock.output)![1]!.replaceAll(/\{[^{}]*\}/g, "CP-1");
      const phases = ["--phase", "examples", "--phase", "stateful"];
      await runProgram(["verify", url, "--spec", spec, ...phases, "--runs", "10", "--seed", String(seed), "--history", file]);
    } finally {
      await mock.stop();
    }
    return { name: `verify of the mock of ${example}`, spec };
  };

const crowd: Maker = async (file, seed) => {
  writeFileSync(file, emitHeader());
  await playRooms({ messages: 2_000, members: 4 + (seed % 40), rooms: 1 + (seed % 5), seed }, (event) =>
    appendFileSync(file, emitEvent(event)),
  );
  return { name: "a crowd of rooms.v1", spec: defaultSpecFile };
};

const makers: readonly Maker[] = [
  throughRecord("verify of the reference through record", (url, secret, seed) => [
    ...["verify", url, "--auth-secret", secret, "--phase", "stateful", "--phase", "examples"],
    ...["--runs", "10", "--seed", String(seed)],
  ]),
  verifyMockOf("chat"),
  crowd,
  throughRecord("bench of the reference through record", (url, secret, seed) => [
    ...["bench", url, "--auth-secret", secret, "--scenario", seed % 2 === 0 ? "mixed" : "fanout"],
    ...["--duration", "2s", "--connections", "10", "--members", "10"],
  ]),
  verifyMockOf("graphql-transport-ws"),
  verifyMockOf("ocpp"),
  verifyMockOf("json-rpc"),
];

/** @param index from 0: the source and the seed follow from it */
export async function checkHonest(folder: string, index: number): Promise<HonestHistory> {
  const file = path.join(folder, `honest-${index}.ndjson`);
  const { name, spec } = await makers[index % makers.length]!(file, index + 1);
  const json = path.join(folder, `honest-${index}.json`);
  const { output } = await runProgram(["check", file, "--spec", spec, "--json", json]);
  const messages = Number(/(\d+) messages of/.exec(output)?.[1] ?? 0);
  const text = await readFile(json, "utf8").catch(() => undefined);
  if (text === undefined) return { name, messages, findings: [output] };
  const { rules } = JSON.parse(text) as Report;
  const findings = rules.flatMap(({ id, failures }) =>
    failures.map(({ expected, actual }) => `${id}: expected ${expected}, got ${actual}`),
  );
  return { name, messages, findings: messages === 0 ? [...findings, `nothing was checked: ${output}`] : findings };
}
