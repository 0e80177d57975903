// Replaying a stored case: FAILED behind the fault that it was found behind, FIXED without, ERROR where nobody listens.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Contract } from "../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { faults } from "../conformance/faults/fault.ts";
import { openRun } from "../conformance/open-run.ts";
import { statefulRules } from "../conformance/rules/stateful/rules.ts";
import { loadFailure } from "../conformance/stateful/failures.ts";
import { createProtocol } from "../model/protocol.ts";
import { startProxy } from "../mutation/proxy/proxy.ts";
import { runRuleMutants } from "../mutation/stateful/run-rule-mutants.ts";
import { UsageError } from "../schema/errors.ts";
import { type ReferenceProcess, startReferenceProcess } from "../testbed/reference-process.ts";
import { replay } from "./replay-case.ts";

let contract: Contract;
let server: ReferenceProcess;
let id = "";
const folder = mkdtempSync(join(tmpdir(), "wsproof-replay-"));
const rule = statefulRules.find((candidate) => candidate.id === "delivered-once")!;

beforeAll(async () => {
  const loaded = await loadContract({ file: defaultSpecFile });
  if (loaded.contract === undefined) throw new Error("the document does not load");
  contract = loaded.contract;
  const { channel } = createProtocol(contract);
  server = await startReferenceProcess({ path: channel.address });
  await runRuleMutants({ contract, channel, server, rule, runs: 40, folder });
  id = readdirSync(folder)[0]?.replace(/\.json$/, "") ?? "";
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.stop();
});

async function replayed(url: string) {
  let text = "";
  const code = await replay(id, { url: [url], auth: { secret: server.secret } }, { folder, write: (more) => (text += more) });
  return { code, text };
}

it("says FIXED, step by step, on the honest server", async () => {
  const { code, text } = await replayed(server.url);
  expect(text).toMatch(/ {2}1\. connection \d/);
  expect(text).toMatch(/\nFIXED: delivered-once passes \([1-9]\d* times\)\n$/);
  expect(code).toBe(0);
});

it("says FAILED behind the fault", async () => {
  const { channel } = createProtocol(contract);
  const auth = { secret: server.secret };
  const target = { urls: [server.url], origin: undefined, pid: undefined, embedded: false, askToStop: undefined };
  const { run, end } = await openRun({ contract, channel, target, auth });
  const how = faults.duplicatesMessage("direct_message").how;
  const transformations = how.by === "proxy" ? how.transformations : [];
  const proxy = await startProxy({
    target: new URL(server.url),
    contract,
    channel,
    messages: run.messages,
    auth,
    transformations,
  });
  const { code, text } = await replayed(proxy.url);
  await proxy.close();
  await end();
  expect(text).toMatch(/\nFAILED: expected direct_message once/);
  expect(code).toBe(1);
});

it("says ERROR where nobody listens", async () => {
  const { code, text } = await replayed("ws://127.0.0.1:1/ws");
  expect(text).toMatch(/ERROR: .*Nothing listens/s);
  expect(code).toBe(2);
});

it("names the failures that there are", async () => {
  await expect(replay("never", {}, { folder })).rejects.toThrow(UsageError);
  await expect(replay("never", {}, { folder })).rejects.toThrow(id);
});

it("says what to do about a damaged file", () => {
  writeFileSync(join(folder, "damaged.json"), "{}");
  expect(() => loadFailure("damaged", folder)).toThrow(/is not a stored failure. Run `wsproof verify` again/);
});
