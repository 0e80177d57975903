// The judge: contract + history -> obligations -> findings. Pure; it knows no socket, no clock and no protocol by name.

import { checkCloses } from "./check-closes.ts";
import { checkContinuity } from "./check-continuity.ts";
import { checkDeliveries } from "./check-deliveries.ts";
import { checkSenderOrder } from "./check-order.ts";
import { checkPositions } from "./check-positions.ts";
import { checkRefusingCloses } from "./check-refusing-closes.ts";
import { checkReplies } from "./check-replies.ts";
import { coverEffects } from "./coverage.ts";
import type { History } from "./history.ts";
import { type Judgement, Judging } from "./judgement.ts";
import { collectLogs } from "./logs.ts";
import { Membership } from "./membership.ts";
import { collectObligations, recordChanges } from "./obligations.ts";
import type { World } from "./outcomes.ts";
import type { Protocol } from "./protocol.ts";
import { createRecording, type Knowledge } from "./recording.ts";
import { recordEnds } from "./terms.ts";

/** Judges what happened so far. A longer history may close what is open, but never takes a finding back. */
export function judge(protocol: Protocol, history: History, knowledge: Knowledge): Judgement {
  const recording = createRecording(protocol, history, knowledge);
  const world: World = { protocol, recording, knowledge, membership: new Membership() };
  recordEnds(world);
  recordChanges(world);
  const obligations = collectObligations(world);
  const judging = new Judging();
  checkReplies(world, judging);
  checkRefusingCloses(world, judging);
  const matches = checkDeliveries(world, obligations, judging);
  checkSenderOrder(world, matches, judging);
  const logs = collectLogs(world, obligations);
  checkPositions(world, obligations, logs, judging);
  checkContinuity(world, obligations, logs, judging);
  checkCloses(world, judging);
  coverEffects(world, obligations, judging);
  const lastOf = (events: readonly number[]) => events.at(-1) ?? 0;
  judging.findings.sort((a, b) => lastOf(a.events) - lastOf(b.events));
  return judging;
}
