// Runs a rule behind a fault, or on the honest server, and says whether it convicted.
import { TargetLost, Violation } from "../errors.ts";
import type { Fault } from "../faults/fault.ts";
import { type FaultProxy, startProxy } from "../faults/proxy.ts";
import { breachRules } from "../verify/breach.ts";
import { beginCheck } from "../verify/check.ts";
import type { Target } from "../verify/context.ts";
import type { Embedded } from "../verify/embedded.ts";
import { type OpenedRun, openRun } from "../verify/open-run.ts";
import type { Received } from "../verify/peer.ts";
import type { Phase } from "../verify/phase.ts";
import { type Level, NotTestable, type Rule, type Subject } from "../verify/rule.ts";
import { runOnce } from "../verify/run-rule.ts";
import type { Run } from "../verify/run-state.ts";
import type { Claim } from "./claims.ts";
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
  prove(claim: Pick<Claim, "phase" | "rule" | "promised">, fault: Fault | undefined): Promise<Proof>;
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

  return {
    subject,
    async prove({ phase, rule, promised }, fault) {
      const choice: ServerChoice =
        fault?.how.by === "server"
          ? { switchName: fault.how.switch, ...(fault.how.argument === undefined ? {} : { argument: fault.how.argument }) }
          : {};
      const ends = phase.name === "shutdown"; // the server does not outlive the rule
      const startMs = performance.now();
      const proof = (verdict: Proof["verdict"], detail: string): Proof => ({
        rule: rule.id,
        level: rule.level,
        pointer: promised.pointer,
        fault: fault?.id,
        verdict,
        detail,
        durationMs: performance.now() - startMs,
      });
      let server: Embedded | undefined;
      let proxy: FaultProxy | undefined;
      try {
        server = await (ends ? servers.fresh(choice) : servers.of(choice));
        const { run: honest } = await open(server);
        if (fault?.how.by === "proxy") {
          const { transformations } = fault.how;
          const { messages } = honest;
          const auth = { secret: server.secret };
          proxy = await startProxy({ ...subject, target: new URL(server.url), messages, transformations, auth });
        }
        const target = targetOf(server, proxy?.url ?? server.url);
        const advertised = proxy === undefined ? honest.advertised() : await firstMessage(honest, target);
        const run: Run = {
          ...honest,
          target,
          timeoutMs: fault === undefined || fault === noFault ? honestTimeoutMs : faultTimeoutMs,
          advertised: () => advertised,
        };
        const { verdict, detail } = await judgeClaim(run, { phase, rule, promised });
        return proof(verdict, detail);
      } catch (error) {
        if (error instanceof TargetLost || error instanceof NotTestable) return proof("undecided", error.message);
        throw error;
      } finally {
        await proxy?.close();
        if (ends && server !== undefined) {
          await opened.get(server)?.then(
            ({ end }) => end(),
            () => undefined,
          );
          opened.delete(server);
          await server.stop();
        }
      }
    },
    async end() {
      for (const one of await Promise.allSettled(opened.values())) if (one.status === "fulfilled") await one.value.end();
      await servers.end();
    },
  };
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
  if (rule.check === "whole-phase") return judgeWhole(run, phase, rule);
  const outcome = await runOnce(run, rule, promised);
  const breach = outcome.breaches.find(({ kind }) => breachRules[kind] === rule.id);
  if (breach !== undefined) return { verdict: "convicts", detail: `expected ${breach.expected}; got ${breach.actual}` };
  if (outcome.kind === "fail") return { verdict: "convicts", detail: `expected ${outcome.expected}; got ${outcome.actual}` };
  return outcome.kind === "pass" ? { verdict: "passes", detail: "" } : { verdict: "undecided", detail: outcome.reason };
}

async function judgeWhole(run: Run, phase: Phase, rule: Rule): Promise<Pick<Proof, "verdict" | "detail">> {
  if (phase.run === undefined) throw new Error(`the phase ${phase.name} has no run for ${rule.id}`);
  const check = beginCheck(run);
  try {
    const judged = (await phase.run(check.context, [rule], () => undefined)).find(({ id }) => id === rule.id);
    const failure = judged?.failures[0];
    if (failure !== undefined) return { verdict: "convicts", detail: `expected ${failure.expected}; got ${failure.actual}` };
    if (judged === undefined || judged.observed === 0 || judged.inconclusive !== undefined) {
      return { verdict: "undecided", detail: judged?.inconclusive ?? "nothing was observed" };
    }
    return { verdict: "passes", detail: "" };
  } finally {
    await check.end();
    run.recorder.forget(check.connections);
  }
}
