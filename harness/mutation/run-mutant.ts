// Runs a rule behind a fault, or on the honest server, and says whether it convicted.

import { incidentalRules } from "../client/incidental-violation.ts";
import type { Received } from "../client/peer.ts";
import { beginCheck } from "../conformance/check.ts";
import type { Target } from "../conformance/context.ts";
import { gatherEvidence } from "../conformance/evidence.ts";
import type { Fault, NodesPlan } from "../conformance/faults/plan.ts";
import { type OpenedRun, openRun } from "../conformance/open-run.ts";
import type { Phase } from "../conformance/phase.ts";
import { type ContractUnderTest, type Level, NotTestable, type Rule } from "../conformance/rule.ts";
import { type Outcome, runOnce } from "../conformance/run-rule.ts";
import type { Run } from "../conformance/run-state.ts";
import { TargetLost, Violation } from "../schema/errors.ts";
import type { ReferenceProcess } from "../testbed/reference-process.ts";
import { startFaultyNodes } from "./faulty-nodes.ts";
import type { Claim } from "./mutants.ts";
import { type FaultProxy, startProxy } from "./proxy/proxy.ts";
import { createServers, type ServerChoice } from "./servers.ts";

/** What came of one rule for one promise behind one fault (undefined: none). */
export interface Proof {
  readonly rule: string;
  readonly level: Level;
  /** Of the promise. */
  readonly pointer: string;
  readonly fault: string | undefined;
  /** `convicts`: the rule failed. `passes`: it saw nothing. `undecided`: not testable, or the target was lost. */
  readonly verdict: "convicts" | "passes" | "undecided";
  /** What it said. */
  readonly detail: string;
  readonly durationMs: number;
}

export interface Prover {
  readonly subject: ContractUnderTest;
  prove(claim: Claim, fault: Fault | undefined): Promise<Proof>;
  /** Rules that are judged by one run of their phase, on a server of their own. */
  proveTogether(claims: readonly Claim[], fault: Fault | undefined): Promise<readonly Proof[]>;
  end(): Promise<void>;
}

export interface ProverOptions {
  /** How long a rule waits for what must come, in ms. Default 5000 on the honest server and 1500 behind a fault. */
  readonly honestTimeoutMs?: number;
  readonly faultTimeoutMs?: number;
  /** Random cases of a phase, default 60. */
  readonly runs?: number;
  /** Of the servers, default: short times. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The proxy that changes nothing: behind it every rule must pass. */
export const noFault: Fault = {
  id: "none",
  breaks: "Nothing: the proxy passes everything on as it is.",
  how: { by: "proxy", transformations: [] },
};

const seed = 1;

/** Starts nothing yet: servers are started when a proof needs them. Call `end` at last. */
export function createProver(subject: ContractUnderTest, options: ProverOptions = {}): Prover {
  const { honestTimeoutMs = 5_000, faultTimeoutMs = 1_500, runs = 60 } = options;
  const servers = createServers(subject.channel.address, options.env);
  const opened = new Map<ReferenceProcess, Promise<OpenedRun>>();

  /** A run on the server itself: its bystander tells whether the server lives, whatever the proxy does. */
  const open = (server: ReferenceProcess): Promise<OpenedRun> => {
    const known =
      opened.get(server) ??
      openRun({ ...subject, target: targetOf(server, server.url), auth: { secret: server.secret }, seed, runs });
    opened.set(server, known);
    return known;
  };

  /** Makes a run behind the fault, and what `judge` says of each claim into proofs. */
  const prove = async (
    claims: readonly Claim[],
    fault: Fault | undefined,
    ownServer: boolean,
    judge: (run: Run) => Promise<readonly Pick<Proof, "verdict" | "detail">[]>,
  ): Promise<readonly Proof[]> => {
    const startMs = performance.now();
    const proofs = (text: readonly Pick<Proof, "verdict" | "detail">[]) =>
      claims.map(({ rule, clause }, at): Proof => {
        const durationMs = performance.now() - startMs;
        return { rule: rule.id, level: rule.level, pointer: clause.pointer, fault: fault?.id, durationMs, ...text[at]! };
      });
    let server: ReferenceProcess | undefined;
    let proxy: FaultProxy | undefined;
    try {
      server = await (ownServer ? servers.fresh(choiceFor(fault)) : servers.of(choiceFor(fault)));
      const { run: honest } = await open(server);
      if (fault?.how.by === "proxy") {
        const { transformations } = fault.how;
        const { messages } = honest;
        const auth = { secret: server.secret };
        proxy = await startProxy({ ...subject, target: new URL(server.url), messages, transformations, auth });
      }
      const target = targetOf(server, proxy?.url ?? server.url);
      const advertised = proxy === undefined ? honest.advertised() : await firstMessage(honest, target);
      // A whole phase proves what is missing by fences, so that a longer deadline costs it nothing.
      const isPatient = ownServer || fault === undefined || fault === noFault;
      const timeoutMs = isPatient ? honestTimeoutMs : faultTimeoutMs;
      return proofs(await judge({ ...honest, target, timeoutMs, advertised: () => advertised }));
    } catch (error) {
      if (!(error instanceof TargetLost || error instanceof NotTestable)) throw error;
      return proofs(claims.map(() => ({ verdict: "undecided", detail: error.message })));
    } finally {
      await proxy?.close();
      if (ownServer && server !== undefined) {
        await opened.get(server)?.then(
          ({ end }) => end(),
          () => undefined,
        );
        opened.delete(server);
        await server.stop();
      }
    }
  };

  return {
    subject,
    async prove(claim, fault) {
      const [proof] = await prove([claim], fault, false, async (run) => [await judgeClaim(run, claim)]);
      return proof!;
    },
    async proveTogether(claims, fault) {
      const { phase } = claims[0]!;
      if (fault?.how.by === "nodes") {
        const startMs = performance.now();
        const text = await judgeNodes(subject, fault.how, (run) => judgeTogether(run, phase, claims));
        const durationMs = performance.now() - startMs;
        return claims.map(({ rule, clause }, at) => {
          return { rule: rule.id, level: rule.level, pointer: clause.pointer, fault: fault.id, durationMs, ...text[at]! };
        });
      }
      return prove(claims, fault, true, (run) => judgeTogether(run, phase, claims));
    },
    async end() {
      for (const one of await Promise.allSettled(opened.values())) if (one.status === "fulfilled") await one.value.end();
      await servers.end();
    },
  };
}

/** On nodes of their own, ended at last. */
async function judgeNodes<T>(subject: ContractUnderTest, plan: NodesPlan, judge: (run: Run) => Promise<T>): Promise<T> {
  const { cluster, target } = await startFaultyNodes(subject.channel.address, plan);
  try {
    const { run, end } = await openRun({ ...subject, target, auth: { secret: cluster.secret }, seed });
    try {
      return await judge({ ...run, expectAlive: async () => undefined });
    } finally {
      await end();
    }
  } finally {
    await cluster.stop();
  }
}

export function targetOf(server: ReferenceProcess, url: string): Target {
  return {
    urls: [url],
    origin: undefined,
    pid: server.pid,
    askToStop: () => void process.kill(server.pid, "SIGTERM"),
    embedded: true,
  };
}

/** What the target advertises through the proxy; the honest words where the fault keeps them back. */
async function firstMessage(honest: Run, target: Target): Promise<Received | undefined> {
  const check = beginCheck({ ...honest, target, timeoutMs: 500, expectAlive: async () => undefined });
  try {
    return (await check.context.dial()).first ?? honest.advertised();
  } catch (error) {
    if (error instanceof Violation || error instanceof TargetLost) return honest.advertised();
    throw error;
  } finally {
    await check.end();
    honest.recorder.forget(check.connections);
  }
}

/** What one rule says for one promise, on whatever the run is on. */
export async function judgeClaim(
  run: Run,
  { phase, rule, clause }: Pick<Claim, "phase" | "rule" | "clause">,
): Promise<Pick<Proof, "verdict" | "detail">> {
  const { evidence } = await gatherEvidence(run, phase, [rule], () => undefined);
  return verdictOf(rule, await runOnce(run, rule, clause, evidence));
}

function verdictOf(rule: Rule, outcome: Outcome): Pick<Proof, "verdict" | "detail"> {
  const violation = outcome.violations.find(({ kind }) => incidentalRules[kind] === rule.id);
  if (violation !== undefined) return { verdict: "convicts", detail: `expected ${violation.expected}; got ${violation.actual}` };
  if (outcome.kind === "fail") return { verdict: "convicts", detail: `expected ${outcome.expected}; got ${outcome.actual}` };
  return outcome.kind === "pass" ? { verdict: "passes", detail: "" } : { verdict: "undecided", detail: outcome.reason };
}

/** Claims on rules that read the same evidence. */
async function judgeTogether(
  run: Run,
  phase: Phase,
  claims: readonly Claim[],
): Promise<readonly Pick<Proof, "verdict" | "detail">[]> {
  const { evidence } = await gatherEvidence(run, phase, [...new Set(claims.map(({ rule }) => rule))], () => undefined);
  const verdicts: Pick<Proof, "verdict" | "detail">[] = [];
  for (const { rule } of claims) {
    // The failure may stand at another clause of the rule: the rule has seen the fault all the same.
    const outcomes = await Promise.all(rule.from(run).map((clause) => runOnce(run, rule, clause, evidence)));
    verdicts.push(verdictOf(rule, outcomes.find(({ kind }) => kind === "fail") ?? outcomes[0]!));
  }
  return verdicts;
}

function choiceFor(fault: Fault | undefined): ServerChoice {
  if (fault?.how.by !== "server") return {};
  const { argument } = fault.how;
  return { switchName: fault.how.switch, ...(argument === undefined ? {} : { argument }) };
}
