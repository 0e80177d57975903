// Verifies a server that a test writes in a few lines against a document that it writes too.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import type { Channel, Contract } from "../../../spec/contract.ts";
import { loadContract } from "../../../spec/load-contract.ts";
import { openRun } from "../../conformance/open-run.ts";
import type { PhaseName } from "../../conformance/rule.ts";
import { phases } from "../../conformance/rules.ts";
import { runPhases } from "../../conformance/run-phases.ts";

export type Serve = (socket: WebSocket) => void;

/** Verifies a server, and gives the rules that failed with what came, and those that passed. */
export async function verdicts(
  document: string,
  serve: Serve,
  names: readonly PhaseName[],
  only?: readonly string[],
  timeoutMs = 5_000,
) {
  const folder = await mkdtemp(path.join(tmpdir(), "wsproof-strangers-"));
  const file = path.join(folder, "asyncapi.yaml");
  await writeFile(file, document);
  const { contract } = await loadContract({ file });
  await rm(folder, { recursive: true });
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket) => {
    socket.on("error", () => undefined); // ws has closed the connection by then
    serve(socket);
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const target = {
    ...{ urls: [`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`], origin: undefined, pid: undefined },
    ...{ askToStop: undefined, embedded: false },
  };
  const options = { contract: contract as Contract, channel: contract!.channels[0] as Channel, target, auth: {} };
  const { run, probe, end } = await openRun({ ...options, runs: 10, timeoutMs, label: "s" });
  try {
    const asked = phases
      .filter(({ name }) => names.includes(name))
      .map((phase) => ({ ...phase, rules: phase.rules.filter(({ id }) => only === undefined || only.includes(id)) }));
    const { results, interrupted } = await runPhases(run, probe, asked, { replay: (id) => id });
    return {
      interrupted,
      failed: results.flatMap(({ id, verdict, failures }) => (verdict === "fail" ? [`${id}: ${failures[0]?.actual}`] : [])),
      passed: results.flatMap(({ id, verdict }) => (verdict === "pass" ? [id] : [])),
    };
  } finally {
    await end();
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  }
}
