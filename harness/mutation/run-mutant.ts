// Runs a rule behind a fault, or on the honest server, and says whether it convicted.

import { breachRules } from "../client/incidental-violation.ts";
import type { Received } from "../client/peer.ts";
import { beginCheck } from "../conformance/check.ts";
import type { Target } from "../conformance/context.ts";
import type { Fault, NodesPlan } from "../conformance/faults/plan.ts";
import { type OpenedRun, openRun } from "../conformance/open-run.ts";
import type { Phase } from "../conformance/phase.ts";
import { type Level, NotTestable, type Rule, type Subject } from "../conformance/rule.ts";
import { runOnce } from "../conformance/run-rule.ts";
import type { Run } from "../conformance/run-state.ts";
import { TargetLost, Violation } from "../schema/errors.ts";
import type { Embedded } from "../testbed/reference-process.ts";
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
  readonly subject: Subject;
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
export function createProver(subject: Subject, options: ProverOptions = {}): Prover {
  const { honestTimeoutMs = 5_000, faultTimeoutMs = 1_500, runs = 60 } = options;
  const servers = createServers(subject.channel.address, options.env);
  const opened = new Map<Embedded, Promise<OpenedRun>>();

  /** A run on the server itself: its bystander tells whether the server lives, whatever the proxy does. */
  const open = (server: Embedded): Promise<OpenedRun> => {
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
    const proofs = (says: readonly Pick<Proof, "verdict" | "detail">[]) =>
      claims.map(({ rule, promised }, at): Proof => {
        const durationMs = performance.now() - startMs;
        return { rule: rule.id, level: rule.level, pointer: promised.pointer, fault: fault?.id, durationMs, ...says[at]! };
      });
    let server: Embedded | undefined;
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
      const rules = claims.map(({ rule }) => rule);
      if (fault?.how.by === "nodes") {
        const startMs = performance.now();
        const says = await judgeNodes(subject, fault.how, (run) => judgeWhole(run, phase, rules));
        const durationMs = performance.now() - startMs;
        return claims.map(({ rule, promised }, at) => {
          return { rule: rule.id, level: rule.level, pointer: promised.pointer, fault: fault.id, durationMs, ...says[at]! };
        });
      }
      return prove(claims, fault, true, (run) => judgeWhole(run, phase, rules));
    },
    async end() {
      for (const one of await Promise.allSettled(opened.values())) if (one.status === "fulfilled") await one.value.end();
      await servers.end();
    },
  };
}

/** On nodes of their own, ended at last. */
async function judgeNodes<T>(subject: Subject, plan: NodesPlan, judge: (run: Run) => Promise<T>): Promise<T> {
  const { cluster, target } = await startFaultyNodes(subject.channel.address, plan);
  try {
    const { run, end } = await openRun({ ...subject, target, auth: { secret: cluster.secret }, seed });
    try {
      return await judge({ ...run, demandAlive: async () => undefined });
    } finally {
      await end();
    }
  } finally {
    await cluster.stop();
  }
}

export function targetOf(server: Embedded, url: string): Target {
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
  const check = beginCheck({ ...honest, target, timeoutMs: 500, demandAlive: async () => undefined });
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
  { phase, rule, promised }: Pick<Claim, "phase" | "rule" | "promised">,
): Promise<Pick<Proof, "verdict" | "detail">> {
  if (rule.check === "whole-phase") return (await judgeWhole(run, phase, [rule]))[0]!;
  const outcome = await runOnce(run, rule, promised);
  const breach = outcome.breaches.find(({ kind }) => breachRules[kind] === rule.id);
  if (breach !== undefined) return { verdict: "convicts", detail: `expected ${breach.expected}; got ${breach.actual}` };
  if (outcome.kind === "fail") return { verdict: "convicts", detail: `expected ${outcome.expected}; got ${outcome.actual}` };
  return outcome.kind === "pass" ? { verdict: "passes", detail: "" } : { verdict: "undecided", detail: outcome.reason };
}

async function judgeWhole(run: Run, phase: Phase, rules: readonly Rule[]): Promise<readonly Pick<Proof, "verdict" | "detail">[]> {
  if (phase.run === undefined) throw new Error(`the phase ${phase.name} has no run for ${rules[0]?.id}`);
  const check = beginCheck(run);
  try {
    const all = await phase.run(check.context, [...new Set(rules)], () => undefined);
    return rules.map(({ id }) => {
      const judged = all.find((one) => one.id === id);
      const failure = judged?.failures[0];
      if (failure !== undefined) return { verdict: "convicts", detail: `expected ${failure.expected}; got ${failure.actual}` };
      if (judged === undefined || judged.observed === 0 || judged.inconclusive !== undefined) {
        return { verdict: "undecided", detail: judged?.inconclusive ?? "nothing was observed" };
      }
      return { verdict: "passes", detail: "" };
    });
  } finally {
    await check.end();
    run.recorder.forget(check.connections);
  }
}

function choiceFor(fault: Fault | undefined): ServerChoice {
  if (fault?.how.by !== "server") return {};
  const { argument } = fault.how;
  return { switchName: fault.how.switch, ...(argument === undefined ? {} : { argument }) };
}
