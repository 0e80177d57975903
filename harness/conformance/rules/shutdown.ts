// The phase shutdown: what clients see when the server is asked to stop. Last, because the server is gone after it; one stop serves all rules.

import type { CloseCode, Refusal } from "../../../spec/contract.ts";
import { lookup } from "../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../client/context.ts";
import type { Attempt } from "../../client/dial.ts";
import type { Received } from "../../client/received.ts";
import type { TestClient } from "../../client/test-client.ts";
import type { History } from "../../model/history.ts";
import { NotTestable, TargetLost } from "../../schema/errors.ts";
import type { Context } from "../context.ts";
import { ReproducedViolation } from "../evidence.ts";
import { faults } from "../faults/fault.ts";
import type { Phase } from "../phase.ts";
import { type Clause, type Rule, rule } from "../rule.ts";

/** How many clients see it. */
const clients = 8;
/** How long a server may take from the signal to its end. */
const drainMs = 20_000;

/** The close code of a restart: the one after which clients spread their return. */
function restartCodes({ channel }: ContractUnderTest): readonly (CloseCode & Clause)[] {
  return channel.closeCodes.filter(({ reconnect }) => reconnect === "spread").map((code) => ({ ...code, text: code.when }));
}

function announced(subject: ContractUnderTest): readonly (CloseCode & Clause)[] {
  return restartCodes(subject).filter(({ spreadMsAt }) => spreadMsAt !== undefined);
}

function drainRefusals({ channel }: ContractUnderTest): readonly (Refusal & Clause)[] {
  return (channel.handshake?.refusals ?? []).filter(({ when, outcome }) => when === "draining" && "http" in outcome);
}

/** What one client saw, from the signal on. */
interface Seen {
  readonly client: TestClient;
  readonly messages: readonly Received[];
}

/** Everything that one stop showed. */
interface Observed {
  readonly seen: readonly Seen[];
  readonly attempts: readonly Attempt[];
  /** Whether the process was gone within `drainMs`; undefined where its id is not known. */
  readonly ended: boolean | undefined;
  readonly history: History;
}

const rules = {
  code: rule<CloseCode & Clause>({
    id: "shutdown-closes-with-declared-code",
    level: "MUST",
    phase: "shutdown",
    title: "closes every connection with the declared code on shutdown",
    from: restartCodes,
    check: checkCloseCode,
    brokenBy: ({ code }) => [faults.changesCloseCode(code, 1000), faults.cutsInsteadOfClosing(code)],
  }),
  announced: rule<CloseCode & Clause>({
    id: "shutdown-announced",
    level: "MUST",
    phase: "shutdown",
    title: "announces the reconnect window before closing",
    from: announced,
    check: checkAnnounced,
    brokenBy: (code, { contract }) => {
      const message = contract.messages.find(({ examples }) =>
        examples.some(({ payload }) => lookup(payload, code.spreadMsAt!) !== undefined),
      );
      return faults.dropsMessage(message!.name);
    },
  }),
  refuses: rule<Refusal & Clause>({
    id: "shutdown-rejects-new-connections",
    level: "MUST",
    phase: "shutdown",
    title: "rejects new connections as declared while draining",
    from: drainRefusals,
    check: checkRefused,
    brokenBy: ({ outcome }) => ("http" in outcome ? [faults.changesStatus(outcome.http, 500)] : []),
  }),
  ends: rule({
    id: "shutdown-process-ends",
    level: "SHOULD",
    phase: "shutdown",
    title: `ends its process within ${drainMs / 1000} s`,
    from: restartCodes,
    check: checkEnded,
    brokenBy: () => faults.server("never-exits"),
  }),
} satisfies Record<string, Rule>;

export const shutdownPhase: Phase = {
  name: "shutdown",
  rules: Object.values(rules),
  async prepare(context, _rules, progress): Promise<Observed> {
    const { askToStop } = context.target;
    if (askToStop === undefined) {
      throw new NotTestable("the server's process is not known: pass --pid or --stop-command to test how it stops");
    }
    return stopAndWatch(context, askToStop, progress);
  },
};

async function stopAndWatch(context: Context, askToStop: () => void, progress: (text: string) => void): Promise<Observed> {
  const peers = await Promise.all(Array.from({ length: clients }, () => context.dial()));
  for (const client of peers) client.takeAll();
  askToStop();
  progress("the target was asked to stop");
  const attempts: Attempt[] = [];
  const untilMs = context.clock.nowMs() + drainMs;
  while (context.clock.nowMs() < untilMs && peers.some(({ closed }) => closed === undefined)) {
    const attempt = await context.attempt().catch((error: unknown) => {
      if (error instanceof TargetLost) return undefined;
      throw error;
    });
    if (attempt !== undefined) attempts.push(attempt);
    await context.clock.sleep(20);
  }
  const seen = peers.map((client): Seen => ({ client, messages: client.takeAll() }));
  return { seen, attempts, ended: await hasEnded(context, untilMs), history: context.history() };
}

async function hasEnded(context: Context, untilMs: number): Promise<boolean | undefined> {
  const { pid } = context.target;
  if (pid === undefined) return undefined;
  while (context.clock.nowMs() < untilMs) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await context.clock.sleep(50);
  }
  return false;
}

const evidenceOf = (context: Context) => context.evidence as Observed;

function fail(context: Context, expected: string, actual: string, about?: TestClient): never {
  throw new ReproducedViolation(expected, actual, {
    steps: [`${clients} clients are connected`, "the server is asked to stop"],
    frames: evidenceOf(context).history.filter(({ connection }) => about === undefined || connection === about.connection),
    failed: 1,
    runs: 1,
  });
}

async function checkCloseCode(context: Context): Promise<void> {
  const codes = restartCodes(context).map(({ code }) => code);
  for (const { client } of evidenceOf(context).seen) {
    context.judged();
    if (client.closed === undefined)
      fail(context, `close ${codes.join(" or ")} within ${drainMs / 1000} s`, "an open connection", client);
    if (!codes.includes(client.closed.code)) fail(context, `close ${codes.join(" or ")}`, `close ${client.closed.code}`, client);
  }
}

async function checkAnnounced(context: Context, { spreadMsAt }: CloseCode): Promise<void> {
  for (const { client, messages } of evidenceOf(context).seen) {
    context.judged();
    const last = messages.at(-1);
    if (typeof lookup(last?.value, spreadMsAt!) !== "number") {
      fail(context, `a last message with a number at ${spreadMsAt}`, last === undefined ? "no message" : last.text, client);
    }
  }
}

async function checkRefused(context: Context, { outcome }: Refusal): Promise<void> {
  if (!("http" in outcome)) throw new NotTestable("the document declares no HTTP status for a server that drains");
  // The first attempts may still be from before the signal had arrived.
  const refused = evidenceOf(context).attempts.filter((attempt) => attempt.kind === "refused");
  for (const { status, headers } of refused) {
    context.judged();
    if (status !== outcome.http) fail(context, `HTTP ${outcome.http} while it drains`, `HTTP ${status}`);
    const missing = outcome.headers.find((name) => !headers.has(name.toLowerCase()));
    if (missing !== undefined) fail(context, `HTTP ${status} with ${missing}`, `HTTP ${status} without it`);
  }
  if (refused.length === 0) throw new NotTestable("the server had stopped listening before a connection was attempted");
}

async function checkEnded(context: Context): Promise<void> {
  const { ended } = evidenceOf(context);
  if (ended === undefined) throw new NotTestable("the server's process is not known: pass --pid");
  context.judged();
  if (!ended) fail(context, `the process to end within ${drainMs / 1000} s`, "it still runs");
}
