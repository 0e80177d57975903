// Each shape of protocol that the reference does not have: a correct server passes, and each planted fault is found by the rule for it.
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContractUnderTest } from "../../client/context.ts";
import { gatherEvidence } from "../../conformance/evidence.ts";
import { loadContractUnderTest } from "../../conformance/load-contract-under-test.ts";
import { openRun } from "../../conformance/open-run.ts";
import { phases } from "../../conformance/rules.ts";
import { type Outcome, runOnce } from "../../conformance/run-rule.ts";
import type { Run } from "../../conformance/run-state.ts";
import { startEventsServer } from "./events-server.ts";
import { type ShapesServer, startJobsServer } from "./jobs-server.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
/** Rules that are about these shapes; the others have faults on the reference. */
const shapeRules = phases.flatMap(({ rules }) => rules).filter(({ id }) => /-batch-|-message-|uncorrelated/.test(id));

let folder = "";
const subjects: Record<string, ContractUnderTest> = {};
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "wsproof-shapes-"));
  const jobs = readFileSync(`${here}jobs.yaml`, "utf8");
  await writeFile(
    path.join(folder, "in-order.yaml"),
    jobs.replace("maxItems: 6, replies: any-order", "maxItems: 6, replies: in-order"),
  );
  const files = { jobs: `${here}jobs.yaml`, events: `${here}events.yaml`, inOrder: path.join(folder, "in-order.yaml") };
  for (const [name, spec] of Object.entries(files)) {
    const choice = { perspective: undefined, overlay: undefined, server: undefined, variables: undefined };
    const url = `ws://localhost/${name === "events" ? "socket" : "rpc"}`;
    subjects[name] = (await loadContractUnderTest({
      spec,
      ...choice,
      urls: [url],
    }))!;
  }
});
afterAll(() => rm(folder, { recursive: true }));

async function onServer<T>(name: string, fault: string | undefined, work: (run: Run, server: ShapesServer) => Promise<T>) {
  const server = await (name === "events" ? startEventsServer(fault) : startJobsServer(fault));
  const target = { urls: [server.url], origin: undefined, pid: undefined, askToStop: undefined, embedded: false };
  const options = { auth: {}, seed: 1, runs: 15, timeoutMs: 6_000 };
  const { run, end } = await openRun({ ...subjects[name]!, target, ...options });
  try {
    return await work(run, server);
  } finally {
    await end();
    await server.close();
  }
}

/** What each clause of the rules came to, those that wait at the same time. */
async function outcomesOf(run: Run, ids: readonly string[]): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const phase of phases) {
    const rules = phase.rules.filter(({ id }) => ids.includes(id));
    if (rules.length === 0) continue;
    const { evidence } = await gatherEvidence(run, phase, rules, () => undefined);
    const all = rules.flatMap((rule) => rule.from(run).map((clause) => ({ rule, clause })));
    await Promise.all(
      all.map(async ({ rule, clause }) => {
        const outcome = await runOnce(run, rule, clause, evidence);
        if (outcome.kind !== "pass" || !outcomes.has(rule.id)) outcomes.set(rule.id, outcome);
      }),
    );
  }
  return outcomes;
}

const described = (outcome: Outcome) =>
  outcome.kind === "fail"
    ? `expected ${outcome.expected}, got ${outcome.actual}`
    : outcome.kind === "pass"
      ? ""
      : `${outcome.kind}: ${"reason" in outcome ? outcome.reason : ""}`;

/** Which fault on which server is found by which rule. */
const planted: readonly (readonly [server: string, fault: string, rule: string])[] = [
  ["jobs", "batch-answered-one-by-one", "examples-batch-answered"],
  ["jobs", "batch-drops-last", "examples-batch-answered"],
  ["inOrder", "batch-reversed", "examples-batch-order"],
  ["jobs", "batch-empty-ignored", "invalid-batch-size-rejected"],
  ["jobs", "batch-size-unlimited", "invalid-batch-size-rejected"],
  ["jobs", "batch-item-ignored", "invalid-batch-item-rejected"],
  ["jobs", "uncorrelated-answered", "examples-uncorrelated-silent"],
  ["jobs", "heartbeat-never-sent", "limits-heartbeat-message-sent"],
  ["jobs", "heartbeat-ignores-messages", "limits-heartbeat-message-kept"],
  ["jobs", "heartbeat-not-enforced", "limits-heartbeat-message-missing-closed"],
  ["jobs", "heartbeat-too-hasty", "limits-heartbeat-message-missing-closed"],
  ["events", "heartbeat-not-enforced", "limits-heartbeat-message-missing-closed"],
  ["events", "heartbeat-ignores-messages", "limits-heartbeat-message-kept"],
  ["jobs", "fence-overtakes", "fence-in-order"],
  ["jobs", "id-as-text", "examples-reply-id"],
  ["jobs", "error-code-as-text", "examples-requirement-rejected"],
  ["jobs", "unknown-job-accepted", "examples-requirement-rejected"],
  ["jobs", "may-another-code", "allowed-is-not-rejected"],
  ["jobs", "reply-of-another-operation", "examples-success"],
  ["jobs", "result-and-error", "examples-success"],
  ["jobs", "another-job", "examples-reply-fields"],
  ["events", "ref-as-number", "examples-reply-id"],
  ["events", "refusal-without-ref", "reply-exactly-one"],
  ["events", "push-without-join", "examples-requirement-rejected"],
  ["events", "push-undelivered", "examples-delivery"],
  ["events", "push-altered", "examples-delivery-fields"],
];

describe.each(["jobs", "inOrder", "events"])("a correct server of %s", (name) => {
  it("passes the rules that find the faults, and those for its shapes", async () => {
    const ids = [...planted.filter(([server]) => server === name).map(([, , rule]) => rule), ...shapeRules.map(({ id }) => id)];
    await onServer(name, undefined, async (run, server) => {
      const outcomes = await outcomesOf(run, ids);
      expect([...outcomes].map(([id, outcome]) => `${id}: ${described(outcome)}`).filter((text) => !text.endsWith(": "))).toEqual(
        [],
      );
      expect(server.forbidden).toEqual([]);
    });
  }, 30_000);
});

describe("a server of another shape", () => {
  it.concurrent.each(planted)(
    "%s with %s is found by %s",
    async (name, fault, rule) => {
      await onServer(name, fault, async (run) => {
        const outcome = (await outcomesOf(run, [rule])).get(rule);
        expect(outcome?.kind, outcome && described(outcome)).toBe("fail");
      });
    },
    60_000,
  );
});
