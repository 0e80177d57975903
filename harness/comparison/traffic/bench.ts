// npm run bench:traffic: messages that check reads per second of CPU, the time of infer, and the echo of the mock beside that of the reference.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { endpointFor } from "../../../spec/endpoints.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { emitEvent, emitHeader } from "../../traffic/history-file.ts";
import { checkFiles } from "../../traffic/run-check.ts";
import { EchoDriver } from "../echo-crowd.ts";
import { residentBytes } from "../process-cost.ts";
import { type RunningPeer, startPeer } from "../servers.ts";
import { playRooms } from "./rooms-history.ts";
import { runProgram, startProgram } from "./start-program.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-bench-traffic-"));
const print = (what: string, measured: string, target: string) =>
  process.stdout.write(`${what.padEnd(56)} ${measured.padEnd(34)} target ${target}\n`);

async function writeHistory(name: string, messages: number): Promise<string> {
  const file = path.join(folder, name);
  const descriptor = openSync(file, "w");
  let lines = [emitHeader()];
  const flush = () => {
    writeSync(descriptor, lines.join(""));
    lines = [];
  };
  await playRooms({ messages, members: 50, rooms: 5, seed: 1 }, (event) => {
    if (lines.push(emitEvent(event)) > 5_000) flush();
  });
  flush();
  closeSync(descriptor);
  return file;
}

async function benchCheck(): Promise<void> {
  const subject = endpointFor((await loadContract({ file: defaultSpecFile })).contract!, undefined)!;
  const [small, large] = [await writeHistory("small.ndjson", 50_000), await writeHistory("large.ndjson", 1_000_000)];
  const measure = async (file: string, side: "server" | "client") => {
    const before = process.cpuUsage();
    const { messages } = await checkFiles({ ...subject, files: [file], side, replay: "" });
    const { user, system } = process.cpuUsage(before);
    return { messages, perSecond: messages / ((user + system) / 1e6), mb: residentBytes(process.pid) / 1e6 };
  };
  const first = await measure(small, "server");
  const { messages, perSecond, mb } = await measure(large, "server");
  const figure = `${Math.round(perSecond / 1_000)} 000 messages per CPU second`;
  print(`check of ${messages} messages of rooms.v1, 10 members a room`, figure, "200 000");
  print("check: memory after 20 times as many messages", `${mb.toFixed(0)} MB, before ${first.mb.toFixed(0)} MB`, "flat");
}

async function benchInfer(): Promise<void> {
  const file = await writeHistory("infer.ndjson", 100_000);
  const startMs = performance.now();
  const { code, output } = await runProgram(["infer", file, "-o", path.join(folder, "draft.yaml")]);
  if (code !== 0) throw new Error(output);
  print("infer from 100 000 messages", `${((performance.now() - startMs) / 1000).toFixed(1)} s`, "under 20 s");
}

async function benchMock(): Promise<void> {
  const reference = await startPeer("reference");
  const { contract, channel } = endpointFor((await loadContract({ file: defaultSpecFile })).contract!, undefined)!;
  // As without limits: what is measured is the answer.
  const set = channel.rateLimits.flatMap(({ name }) =>
    ["burst", "perSecond"].flatMap((key) => ["--set", `${name}.${key}=1000000000`]),
  );
  const words = ["mock", "--spec", contract.file, "--port", "0", ...set, "--set", "connectionsPerUser=1000000"];
  const mock = await startProgram(words, (output) => /listening on \S+/.test(output));
  const peer: RunningPeer = {
    ...{ id: reference.id, adapter: reference.adapter, pid: mock.child.pid!, stop: async () => undefined },
    url: new URL(/listening on (\S+)/.exec(mock.output)![1]!),
  };
  try {
    const crowds = [await EchoDriver.connectAll(reference, 50), await EchoDriver.connectAll(peer, 50)];
    const perCpuSecond: number[][] = [[], []];
    for (let round = 0; round <= 5; round += 1)
      for (const [index, crowd] of crowds.entries()) {
        const { count, cpuMs } = await crowd.run(8, 1_500);
        if (round > 0) perCpuSecond[index]!.push((count / cpuMs) * 1_000);
      }
    const [own, others] = perCpuSecond.map((values) => values.sort((a, b) => a - b)[2]!) as [number, number];
    const each = `${Math.round(others)} and ${Math.round(own)} replies per CPU second`;
    print(`echo of the mock and of the reference: ${(others / own).toFixed(2)} times`, each, "0.5 times");
    for (const crowd of crowds) crowd.close();
  } finally {
    await mock.stop();
    await reference.stop();
  }
}

try {
  await benchCheck();
  await benchInfer();
  await benchMock();
} finally {
  rmSync(folder, { recursive: true });
}
