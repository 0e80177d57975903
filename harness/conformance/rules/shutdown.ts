// The phase shutdown: what clients see when the server is asked to stop. Last, because the server is gone after it; one stop serves all rules.
import type { CloseCode, Refusal } from "../../../spec/contract.ts";
import { lookup } from "../../../spec/pointer.ts";
import type { Peer, Received } from "../../client/peer.ts";
import { TargetLost } from "../../schema/errors.ts";
import type { Attempt, Context } from "../context.ts";
import { faults } from "../faults/fault.ts";
import type { Failure, Judged, Phase } from "../phase.ts";
import { type Promised, type Rule, rule, type Subject } from "../rule.ts";

/** How many clients see it. */
const clients = 8;
/** How long a server may take from the signal to its end. */
const drainMs = 20_000;

/** The close code of a restart: the one after which clients spread their return. */
function restartCodes({ channel }: Subject): readonly (CloseCode & Promised)[] {
  return channel.closeCodes.filter(({ reconnect }) => reconnect === "spread").map((code) => ({ ...code, says: code.when }));
}

function announced(subject: Subject): readonly (CloseCode & Promised)[] {
  return restartCodes(subject).filter(({ spreadMsAt }) => spreadMsAt !== undefined);
}

function drainRefusals({ channel }: Subject): readonly (Refusal & Promised)[] {
  return (channel.handshake?.refusals ?? []).filter(({ when, outcome }) => when === "draining" && "http" in outcome);
}

/** What one client saw, from the signal on. */
interface Seen {
  readonly peer: Peer;
  readonly messages: readonly Received[];
}

/** Everything that one stop showed. */
interface Observed {
  readonly seen: readonly Seen[];
  readonly attempts: readonly Attempt[];
  /** Whether the process was gone within `drainMs`; undefined where its id is not known. */
  readonly ended: boolean | undefined;
}

const rules = {
  code: rule<CloseCode & Promised>({
    id: "shutdown-closes-with-declared-code",
    level: "MUST",
    phase: "shutdown",
    title: "closes every connection with the declared code when it is asked to stop",
    from: restartCodes,
    check: "whole-phase",
    brokenBy: ({ code }) => [faults.changesCloseCode(code, 1000), faults.cutsInsteadOfClosing(code)],
  }),
  announced: rule<CloseCode & Promised>({
    id: "shutdown-announced",
    level: "MUST",
    phase: "shutdown",
    title: "says before the close over what time to spread the reconnects",
    from: announced,
    check: "whole-phase",
    brokenBy: (code, { contract }) => {
      const message = contract.messages.find(({ examples }) =>
        examples.some(({ payload }) => lookup(payload, code.spreadMsAt!) !== undefined),
      );
      return faults.dropsMessage(message!.name);
    },
  }),
  refuses: rule<Refusal & Promised>({
    id: "shutdown-refuses-new-connections",
    level: "MUST",
    phase: "shutdown",
    title: "refuses new connections as declared while it drains",
    from: drainRefusals,
    check: "whole-phase",
    brokenBy: ({ outcome }) => ("http" in outcome ? [faults.changesStatus(outcome.http, 500)] : []),
  }),
  ends: rule({
    id: "shutdown-process-ends",
    level: "SHOULD",
    phase: "shutdown",
    title: `ends its process within ${drainMs / 1000} s`,
    from: restartCodes,
    check: "whole-phase",
    brokenBy: () => faults.server("never-exits"),
  }),
} satisfies Record<string, Rule>;

export const shutdownPhase: Phase = {
  name: "shutdown",
  rules: Object.values(rules),
  async run(context, asked, progress) {
    const { askToStop } = context.target;
    if (askToStop === undefined) {
      context.note("the process that listens is not known: give --pid or --stop-command to judge how it stops");
      return [];
    }
    const observed = await stopAndWatch(context, askToStop, progress);
    return asked.map((one) => judge(one, context, observed));
  },
};

async function stopAndWatch(context: Context, askToStop: () => void, progress: (text: string) => void): Promise<Observed> {
  const peers = await Promise.all(Array.from({ length: clients }, () => context.dial()));
  for (const peer of peers) peer.takeAll();
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
  const seen = peers.map((peer): Seen => ({ peer, messages: peer.takeAll() }));
  return { seen, attempts, ended: await hasEnded(context, untilMs) };
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

/** The first thing that breaks the rule, or how much was seen to keep it. */
type Verdict = { readonly observed: number } | { readonly expected: string; readonly actual: string; readonly about?: Peer };

function judge(one: Rule, context: Context, observed: Observed): Judged {
  const [promised] = one.from(context);
  const verdict = verdicts[one.id]!(context, observed);
  if ("observed" in verdict) return { id: one.id, observed: verdict.observed, failures: [] };
  const frames = context
    .history()
    .filter(({ connection }) => verdict.about === undefined || connection === verdict.about.connection);
  const failure: Failure = {
    pointer: promised!.pointer,
    says: promised!.says ?? "",
    expected: verdict.expected,
    actual: verdict.actual,
    failed: 1,
    runs: 1,
    steps: [`${clients} clients are connected`, "the server is asked to stop"],
    frames,
    seed: context.seed,
    replay: `npx wsproof verify ${context.target.embedded ? "" : `${context.target.urls.join(" ")} `}--phase shutdown`,
  };
  return { id: one.id, observed: 1, failures: [failure] };
}

const verdicts: Readonly<Record<string, (context: Context, observed: Observed) => Verdict>> = {
  [rules.code.id](context, { seen }) {
    const codes = restartCodes(context).map(({ code }) => code);
    for (const { peer } of seen) {
      if (peer.closed === undefined)
        return { expected: `close ${codes.join(" or ")} within ${drainMs / 1000} s`, actual: "an open connection", about: peer };
      if (!codes.includes(peer.closed.code))
        return { expected: `close ${codes.join(" or ")}`, actual: `close ${peer.closed.code}`, about: peer };
    }
    return { observed: seen.length };
  },
  [rules.announced.id](context, { seen }) {
    const pointer = announced(context)[0]!.spreadMsAt!;
    for (const { peer, messages } of seen) {
      const last = messages.at(-1);
      if (typeof lookup(last?.value, pointer) !== "number") {
        return {
          expected: `a last message with a number at ${pointer}`,
          actual: last === undefined ? "no message" : last.text,
          about: peer,
        };
      }
    }
    return { observed: seen.length };
  },
  [rules.refuses.id](context, { attempts }) {
    const { outcome } = drainRefusals(context)[0]!;
    if (!("http" in outcome)) return { observed: 0 };
    // The first attempts may still be from before the signal had arrived.
    const refused = attempts.filter((attempt) => attempt.kind === "refused");
    for (const { status, headers } of refused) {
      if (status !== outcome.http) return { expected: `HTTP ${outcome.http} while it drains`, actual: `HTTP ${status}` };
      const missing = outcome.headers.find((name) => !headers.has(name.toLowerCase()));
      if (missing !== undefined) return { expected: `HTTP ${status} with ${missing}`, actual: `HTTP ${status} without it` };
    }
    return { observed: refused.length };
  },
  [rules.ends.id](_, { ended }) {
    if (ended === undefined) return { observed: 0 };
    return ended ? { observed: 1 } : { expected: `the process to end within ${drainMs / 1000} s`, actual: "it still runs" };
  },
};
