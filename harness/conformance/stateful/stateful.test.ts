// The phase against the reference server: honest runs give no finding, and planted faults are found by the rule that they break.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Channel, Contract } from "../../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { createProtocol, type Protocol } from "../../model/protocol.ts";
import { startProxy } from "../../mutation/proxy/proxy.ts";
import { runRuleMutants } from "../../mutation/stateful/run-rule-mutants.ts";
import { type ReferenceProcess, startReferenceProcess } from "../../testbed/reference-process.ts";
import { beginCheck } from "../check.ts";
import { openRun } from "../open-run.ts";
import { statefulRules } from "../rules/stateful/rules.ts";
import { loadFailure } from "./failures.ts";
import { runCases } from "./run-cases.ts";

let contract: Contract;
let channel: Channel;
let protocol: Protocol;
let server: ReferenceProcess;
const folder = mkdtempSync(join(tmpdir(), "wsproof-stateful-"));

beforeAll(async () => {
  const loaded = await loadContract({ file: defaultSpecFile });
  if (loaded.contract === undefined) throw new Error("the document does not load");
  contract = loaded.contract;
  protocol = createProtocol(contract);
  channel = protocol.channel;
  server = await startReferenceProcess({ path: channel.address });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.stop();
});

const target = () => ({ urls: [server.url], origin: undefined, pid: undefined, embedded: true, askToStop: undefined });

/** Findings and doubts of cases against the server, through a proxy that delays where asked. */
async function soak(runs: number, seed: number, delays?: { jitterMs: number; stallEvery: number; stallMs: number }) {
  const opened = await openRun({ contract, channel, target: target(), auth: { secret: server.secret }, seed, runs });
  const proxy = await startProxy({
    ...{ target: new URL(server.url), contract, channel, messages: opened.run.messages },
    ...(delays === undefined ? {} : { delays: { seed, ...delays } }),
  });
  const check = beginCheck({ ...opened.run, target: { ...target(), urls: [proxy.url] } });
  const wrong: unknown[] = [];
  let decided = 0;
  await runCases(check.context, protocol, { runs, seed }, (plan, { result }) => {
    wrong.push(...result.findings.map((finding) => ({ ...finding, plan })), ...result.open, ...result.inconclusive);
    for (const count of result.decided.values()) decided += count;
    return "go on";
  });
  await check.end();
  await proxy.close();
  await opened.end();
  return { wrong, decided };
}

describe("the honest server", () => {
  it("gives no finding in 200 cases", async () => {
    const { wrong, decided } = await soak(200, 11);
    expect(wrong).toEqual([]);
    expect(decided).toBeGreaterThan(10_000);
  }, 240_000);

  it("gives none behind a proxy with jitter and stalls", async () => {
    expect((await soak(30, 12, { jitterMs: 15, stallEvery: 100, stallMs: 200 })).wrong).toEqual([]);
  });
});

describe("planted faults", () => {
  // One of each kind; `npm run mutation -- --only RULE` plants all of them.
  it.each([
    "reply-fields-match",
    "delivered-fields-match",
    "delivered-once",
    "idempotency-key-honoured",
    "position-once",
    "count-in-range",
  ])("are found by %s, with a small case that is stored", async (id) => {
    const rule = statefulRules.find((candidate) => candidate.id === id);
    if (rule === undefined) throw new Error(`no rule ${id}`);
    const proofs = await runRuleMutants({ contract, channel, server, rule, runs: 60, folder });
    expect(proofs.length).toBeGreaterThan(0);
    expect(proofs.filter(({ killed }) => !killed)).toEqual([]);
    const stored = readdirSync(folder).find((name) => name.startsWith(`${id}-`));
    expect(loadFailure((stored ?? "").replace(/\.json$/, ""), folder).rule).toBe(id);
  });

  it("is named by every rule of the phase", () => {
    const subject = { contract, channel };
    const bare = statefulRules.filter((rule) =>
      rule.from(subject).every((clause) => [rule.brokenBy(clause, subject)].flat().length === 0),
    );
    expect(bare.map(({ id }) => id)).toEqual([]);
  });
});
