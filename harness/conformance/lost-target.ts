// Which execution ended the target: the one that sent something last, before other connections were lost. Pure.
import { groupBy } from "../cluster/observations.ts";
import type { HistoryEvent } from "../model/history.ts";
import type { RuleExecution } from "./rule-result.ts";
import type { Outcome } from "./run-rule.ts";

/** What was sent so long before the target was lost may have ended it, in ms. */
const suspectMs = 2_000;

/** Events of several connections are read in any order within this time, in ms. */
const slackMs = 50;

/** What an execution did last, for as long as its phase runs. */
export interface Suspect {
  readonly execution: RuleExecution;
  readonly sent: HistoryEvent;
}

/**
 * The execution whose frame the target did not outlive; undefined where nothing of ours was sent shortly before.
 * @param lostAtMs when the first connection was lost that nothing was done to
 */
export function findTrigger(executions: readonly RuleExecution[], lostAtMs: number): Suspect | undefined {
  const all = executions.flatMap((execution): Suspect[] => {
    const trace = execution.outcome?.trace ?? [];
    const sent = trace.filter(
      (event, at) =>
        isSent(event) &&
        event.atMs <= lostAtMs + slackMs &&
        event.atMs > lostAtMs - suspectMs &&
        // What was answered was survived.
        !trace.slice(at).some((later) => later.connection === event.connection && isAnswer(later)),
    );
    const worst = sent.find(isNoMessage) ?? sent.at(-1);
    return worst === undefined ? [] : [{ execution, sent: worst }];
  });
  // Who answered what was sent later has survived what was sent before.
  const aliveAtMs = lastSurvivedMs(executions, lostAtMs);
  const unproven = all.filter(({ sent }) => sent.atMs > aliveAtMs);
  const suspects = unproven.some(({ sent }) => isNoMessage(sent)) || !all.some(({ sent }) => isNoMessage(sent)) ? unproven : all;
  // What is no message is suspected before what is one: of several the first, since the target read no further.
  const malformed = suspects.filter(({ sent }) => isNoMessage(sent)).toSorted((one, other) => one.sent.atMs - other.sent.atMs);
  if (malformed[0] !== undefined) return malformed[0];
  // The rules of the handshake try odd opening requests: as long as one of them waits, no ordinary message is blamed.
  if (executions.some(waitsForOpening)) return undefined;
  return suspects.toSorted((one, other) => other.sent.atMs - one.sent.atMs)[0];
}

/** When the last of what was answered was sent: the replies of a connection belong to its first requests. */
function lastSurvivedMs(executions: readonly RuleExecution[], lostAtMs: number): number {
  const connections = groupBy(
    // What came later may be of a server that was started again.
    executions.flatMap(({ outcome }) => (outcome?.trace ?? []).filter(({ atMs }) => atMs <= lostAtMs)),
    ({ connection }) => String(connection),
  );
  return [...connections.values()].reduce((latest, events) => {
    const sent = events.filter((event) => isSent(event) || (event.kind === "note" && event.text.startsWith("GET ")));
    const answers = events.filter((event) => event.kind === "open" || isAnswer(event)).length;
    return Math.max(latest, sent[Math.min(answers, sent.length) - 1]?.atMs ?? 0);
  }, 0);
}

function waitsForOpening({ rule, outcome }: RuleExecution): boolean {
  const last = outcome?.trace.at(-1);
  return rule.phase === "handshake" && last?.kind === "note" && last.text.startsWith("GET ");
}

function isAnswer(event: HistoryEvent): boolean {
  return event.kind === "receive" || (event.kind === "close" && event.code !== 1006);
}

function isNoMessage(event: HistoryEvent): boolean {
  return event.kind === "note" || (event.kind === "hang-up" && event.code === 1006) || (event.kind === "send" && !event.json);
}

function isSent(event: HistoryEvent): boolean {
  return event.kind === "send" || event.kind === "hang-up" || (event.kind === "note" && event.text.startsWith("sent "));
}

export function describeSent(event: HistoryEvent): string {
  if (event.kind === "note") return event.text.replace(/^sent /, "");
  if (event.kind === "hang-up") return event.code === 1006 ? "a TCP reset" : `a close ${event.code}`;
  if (event.kind !== "send") return event.kind;
  const text = event.json ? JSON.stringify(event.frame) : `the text ${JSON.stringify(event.frame)}`;
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

/** The outcome of the execution that ended the target. */
export function asTrigger(outcome: Outcome, sent: HistoryEvent, message: string): Outcome {
  const { observed, durationMs, notes, violations, trace } = outcome;
  return {
    ...{ observed, durationMs, notes, violations, trace, kind: "fail" },
    expected: `the server to keep running after ${describeSent(sent)}`,
    actual: message,
    frames: trace,
    fatal: true,
  };
}
