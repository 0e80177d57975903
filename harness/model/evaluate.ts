// The evaluation: contract + history -> obligations -> findings. Pure; it knows no socket, no clock and no protocol by name.

import { checkCloses } from "./check-closes.ts";
import { checkContinuity } from "./check-continuity.ts";
import { checkDeliveries } from "./check-deliveries.ts";
import { checkSenderOrder } from "./check-order.ts";
import { checkPositions } from "./check-positions.ts";
import { checkRefusingCloses } from "./check-refusing-closes.ts";
import { checkReplies } from "./check-replies.ts";
import { coverEffects } from "./coverage.ts";
import { createTrace } from "./create-trace.ts";
import { recordEnds } from "./credential-validity.ts";
import { type EvaluationResult, ResultCollector } from "./evaluation-result.ts";
import type { History } from "./history.ts";
import { collectLogs } from "./logs.ts";
import { Membership } from "./membership.ts";
import { collectObligations, recordChanges } from "./obligations.ts";
import type { Evaluation } from "./outcomes.ts";
import type { Protocol } from "./protocol.ts";
import type { Knowledge } from "./trace.ts";

/** Checks what happened so far. A longer history may close what is open, but never takes a finding back. */
export function evaluate(protocol: Protocol, history: History, knowledge: Knowledge): EvaluationResult {
  const trace = createTrace(protocol, history, knowledge);
  const evaluation: Evaluation = { protocol, trace, knowledge, membership: new Membership() };
  recordEnds(evaluation);
  recordChanges(evaluation);
  const obligations = collectObligations(evaluation);
  const collector = new ResultCollector();
  checkReplies(evaluation, collector);
  checkRefusingCloses(evaluation, collector);
  const matches = checkDeliveries(evaluation, obligations, collector);
  checkSenderOrder(evaluation, matches, collector);
  const logs = collectLogs(evaluation, obligations);
  checkPositions(evaluation, obligations, logs, collector);
  checkContinuity(evaluation, obligations, logs, collector);
  checkCloses(evaluation, collector);
  coverEffects(evaluation, obligations, collector);
  const lastOf = (events: readonly number[]) => events.at(-1) ?? 0;
  collector.findings.sort((a, b) => lastOf(a.events) - lastOf(b.events));
  return collector;
}
