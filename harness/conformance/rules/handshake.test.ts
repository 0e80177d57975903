// Every rule of the phase passes on the reference server, and fails behind each fault that it names.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endpointFor } from "../../../spec/endpoints.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import type { ContractUnderTest } from "../../client/context.ts";
import { startProxy } from "../../mutation/proxy/proxy.ts";
import { type ReferenceProcess, startReferenceProcess } from "../../testbed/reference-process.ts";
import type { Fault } from "../faults/plan.ts";
import { type OpenedRun, openRun } from "../open-run.ts";
import type { Clause, Rule } from "../rule.ts";
import { type Outcome, runOnce } from "../run-rule.ts";
import { handshakePhase } from "./handshake.ts";

const { contract } = await loadContract({ file: defaultSpecFile });
const subject: ContractUnderTest = endpointFor(contract!, "ws://localhost/ws")!;
/** The reference declines compression: a rule about a server that accepts it has its mutants on another server (every-rule.test.ts). */
const isForAnotherServer = (rule: Rule, clause: Clause) =>
  [rule.brokenBy(clause, subject)].flat().every(({ how }) => how.by === "proxy" && how.server !== undefined);
const cases = handshakePhase.rules
  .flatMap((rule) => rule.from(subject).map((clause) => ({ rule, clause })))
  .filter(({ rule, clause }) => !isForAnotherServer(rule, clause));
const broken = cases.flatMap(({ rule, clause }) =>
  [rule.brokenBy(clause, subject)].flat().map((fault) => ({ rule, clause, fault })),
);
const named = <C extends { rule: Rule; clause: Clause; fault?: Fault }>(all: readonly C[]) =>
  all.map(
    (one) => [`${one.rule.id} ${one.clause.pointer}${one.fault === undefined ? "" : ` behind ${one.fault.id}`}`, one] as const,
  );

let server: ReferenceProcess;
let opened: OpenedRun;
beforeAll(async () => {
  server = await startReferenceProcess({ path: subject.channel.address });
  const target = { urls: [server.url], origin: undefined, pid: undefined, askToStop: undefined, embedded: true };
  opened = await openRun({ ...subject, target, auth: { secret: server.secret }, timeoutMs: 2_000 });
});
afterAll(async () => {
  await opened.end();
  await server.stop();
});

/** Judges what stands between the run and the server; the control connection goes straight to the server. */
async function behind(fault: Fault, rule: Rule, clause: Clause): Promise<Outcome> {
  if (fault.how.by !== "proxy") throw new Error(`${fault.id} is no fault of the proxy`);
  const { run } = opened;
  const proxy = await startProxy({
    target: new URL(server.url),
    ...subject,
    messages: run.messages,
    transformations: fault.how.transformations,
    auth: { secret: server.secret },
  });
  try {
    // A short deadline: what a fault keeps from coming never comes.
    return await runOnce({ ...run, timeoutMs: 400, target: { ...run.target, urls: [proxy.url] } }, rule, clause);
  } finally {
    await proxy.close();
  }
}

it("has at least twenty rules for this document", () => {
  expect(new Set(cases.map(({ rule }) => rule.id)).size).toBeGreaterThanOrEqual(20);
});

describe("on the reference server", () => {
  it.each(named(cases))("%s", async (_name, { rule, clause }) => {
    expect(await runOnce(opened.run, rule, clause)).toMatchObject({ kind: "pass", violations: [] });
  });
});

describe("behind its fault", () => {
  it.each(named(broken))("%s", async (_name, { rule, clause, fault }) => {
    expect(await behind(fault, rule, clause)).toMatchObject({ kind: "fail" });
  });
});
