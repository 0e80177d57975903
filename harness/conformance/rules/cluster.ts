// The phase cluster: clients on all nodes publish at once into logs that they share; pure checkers judge the history of it.
import type { ContractUnderTest } from "../../client/context.ts";
import { checkers } from "../../cluster/check-log.ts";
import { clockRefusals } from "../../cluster/clock-skew.ts";
import type { Check, LogHistory } from "../../cluster/log-history.ts";
import { logRoles } from "../../cluster/log-roles.ts";
import { drawTimeline, timelineOf } from "../../cluster/timeline.ts";
import { runWorkload } from "../../cluster/workload.ts";
import { NotTestable } from "../../schema/errors.ts";
import type { Context } from "../context.ts";
import { ReproducedViolation } from "../evidence.ts";
import { faults } from "../faults/fault.ts";
import type { Fault } from "../faults/plan.ts";
import type { Phase } from "../phase.ts";
import { type Clause, rule } from "../rule.ts";

interface LogPromise extends Clause {
  readonly check: Check;
}

const rolesOf = ({ contract, channel }: ContractUnderTest) => logRoles(contract, channel, "text-or-integer");

const titles: Readonly<Record<Check, string>> = {
  unexpected: "delivers only published messages, in the right log",
  lost: "no acknowledged message is lost: every member gets it at the acknowledged position",
  duplicated: "each publish has one position; each member sees a position once",
  "inconsistent-offset": "every observer on every node sees the same event at a position",
  "non-contiguous": "no gaps in positions",
  "sender-order": "preserves the order of each sender",
  "real-time-order": "an acknowledged publish precedes every later one",
  "member-count": "member count is right after each join and leave, across all nodes",
  membership: "after quiescence every node counts exactly the connected members",
  convergence: "after quiescence all members have seen the same log",
  "rejected-but-delivered": "a rejected publish is delivered to nobody",
  "epoch-change-unsignalled": "signals a log reset by closing or at the join",
  "credential-clock": "applies token expiry consistently across nodes under clock skew",
};

const countChecks: ReadonlySet<Check> = new Set(["member-count", "membership"]);

function promises(subject: ContractUnderTest, check: Check): readonly LogPromise[] {
  const roles = rolesOf(subject);
  if (check === "credential-clock") {
    const [refusal] = roles === undefined ? [] : clockRefusals(subject);
    return refusal === undefined ? [] : [{ pointer: refusal.pointer, check }];
  }
  if (roles === undefined || (countChecks.has(check) && ![...roles.changes.values()].some(({ count }) => count !== undefined)))
    return [];
  return [{ pointer: roles.stream.pointer, text: roles.stream.description, check }];
}

function planted(check: Check, subject: ContractUnderTest): Fault | readonly Fault[] {
  const { stream, delivered, publish, changes, content } = rolesOf(subject)!;
  const [changing, change] = [...changes].find(([, { count }]) => count !== undefined) ?? [];
  const reply = publish.effects.find((effect) => effect.kind === "reply");
  const acknowledgedTooEarly =
    reply?.kind === "reply" ? faults.addsToField(reply.message, stream.seq!, -20, { everyNth: 3 }) : [];
  const byProxy: Readonly<Record<Check, Fault | readonly Fault[]>> = {
    unexpected: faults.changesField(delivered, content.delivered, content.least === undefined ? "never published" : -1, {
      everyNth: 7,
    }),
    lost: faults.dropsMessage(delivered, { everyNth: 7 }),
    duplicated: faults.duplicatesMessage(delivered, { everyNth: 7 }),
    // Counted for each connection, because connections that joined together would all get the same altered content.
    "inconsistent-offset": faults.addsToField(delivered, stream.seq!, 1, { everyNth: 7 }),
    "non-contiguous": faults.dropsMessage(delivered, { everyNth: 7 }),
    "sender-order": acknowledgedTooEarly,
    "real-time-order": acknowledgedTooEarly,
    "member-count": changing === undefined ? [] : faults.addsToField(changing, change!.count!, 1),
    membership: changing === undefined ? [] : faults.addsToField(changing, change!.count!, 1),
    convergence: faults.dropsMessage(delivered),
    "rejected-but-delivered": faults.answersWith(publish.id, subject.contract.errors?.codes[0]?.code ?? ""),
    "epoch-change-unsignalled": faults.changesField(delivered, stream.epoch!, "another-life", { everyNth: 7 }),
    "credential-clock": clockRefusals(subject).flatMap(({ when }) =>
      when === "credential-invalid" || when === "credential-expired" ? faults.acceptsCredential(when) : [],
    ),
  };
  return [byProxy[check], faultsOfNodes.filter(([, checks]) => checks.includes(check)).map(([fault]) => fault)].flat();
}

/** What a node does wrong towards the others, and which checks must fail. */
const faultsOfNodes: readonly [fault: Fault, checks: readonly Check[]][] = [
  [faults.nodes("redis-local-first"), ["inconsistent-offset"]],
  [faults.nodes("redis-plain-pubsub", { harm: Array(4).fill("subscriber-killed") }), ["lost", "non-contiguous"]],
  [faults.nodes("redis-publishes-twice"), ["duplicated"]],
  [faults.nodes("redis-drops-one-in-fifty", { only: 1 }), ["lost", "non-contiguous"]],
  [faults.nodes("redis-counts-own-node", { only: 1 }), ["member-count"]],
  [faults.nodes("redis-never-expires-nodes", { harm: ["node-killed"] }), ["membership"]],
  [faults.nodes("redis-forgets-keys", { harm: Array(8).fill("clients-reset") }), ["duplicated"]],
];

const clusterRules = (Object.keys(checkers) as Check[]).map((check) =>
  rule<LogPromise>({
    id: `cluster-${check}`,
    level: "MUST",
    phase: "cluster",
    title: titles[check],
    from: (subject) => promises(subject, check),
    check: (context) => checkHistory(context, check),
    brokenBy: (_, subject) => planted(check, subject),
  }),
);

export const clusterPhase: Phase = {
  name: "cluster",
  rules: clusterRules,
  async prepare(context, _rules, progress): Promise<LogHistory> {
    const roles = rolesOf(context)!;
    const history = await (context.target.runCluster?.(context, roles, progress) ?? runWorkload(context, roles, {}, progress));
    const { publishes, subscriptions } = history;
    const acknowledged = publishes.filter(({ outcome }) => outcome === "ok").length;
    context.note(
      `${acknowledged} acknowledged, ${publishes.filter(({ outcome }) => outcome === "fail").length} rejected, ` +
        `${publishes.filter(({ outcome }) => outcome === "info").length} unknown, over ${context.target.urls.length} URLs, ` +
        `${subscriptions.length} subscriptions and ${history.faults.length} faults`,
    );
    return history;
  },
};

async function checkHistory(context: Context, check: Check): Promise<void> {
  const history = context.evidence as LogHistory;
  const { joinFailure } = history;
  if (joinFailure !== undefined) {
    // One rule reports that nobody could join; the others have nothing to check.
    if (check !== "convergence") throw new NotTestable(`no client could join: expected ${joinFailure.expected}`);
    context.judged();
    throw new ReproducedViolation(joinFailure.expected, joinFailure.actual, { steps: [], frames: [], failed: 1, runs: 1 });
  }
  const { observed, anomalies } = checkers[check](history);
  context.judged(observed);
  const [first] = anomalies;
  if (first === undefined) return;
  const timeline = timelineOf(first, history);
  throw new ReproducedViolation(first.expected, `${first.actual}${anomalies.length > 1 ? ` (one of ${anomalies.length})` : ""}`, {
    steps: drawTimeline(timeline),
    timeline,
    frames: [],
    failed: 1,
    runs: 1,
  });
}
