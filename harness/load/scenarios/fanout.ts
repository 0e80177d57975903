// fanout: rooms x members x rate. Members publish in turn; every member must get each seq once and in order.
import { setTimeout as sleep } from "node:timers/promises";
import { nowMs } from "../clock.ts";
import { unanswered } from "../load-result.ts";
import { type Placed, padded, placeMembers, seqIn } from "../members.ts";
import { keepPace } from "../pace.ts";
import { dueMark } from "../seq-log.ts";
import { type Act, demandValid, type Stage } from "../stage.ts";

export async function prepareFanout(stage: Stage, progress: (count: number) => void): Promise<Act> {
  const { demand, recorder, run } = stage;
  const members = await placeMembers(stage, progress);
  const { roles, byLog } = members;
  const hasId = run.messages.message(roles.publish.messages[0]!).correlation !== undefined;
  if (byLog[0] !== undefined) {
    const trial = byLog[0][0]!.template.emit("l1", padded(dueMark(nowMs(), 1), demand.payloadBytes));
    demandValid(stage, roles.publish, trial, "Change --payload, or the document.");
  }

  let sent = 0;
  function send(dueMs: number, room: number, then?: () => void): void {
    const some = byLog[room % byLog.length]!;
    const index = sent++;
    const publisher = nextOpen(some, Math.floor(index / byLog.length));
    if (publisher === undefined) {
      recorder.refused(unanswered.noneLeft, nowMs());
      return;
    }
    const { member, replies, template } = publisher;
    const id = `l${index}`;
    replies.expect(hasId ? id : undefined, {
      dueMs,
      answered(reply, code) {
        const seq = code === undefined ? seqIn(reply, roles) : undefined;
        if (seq !== undefined) member.log.acknowledged(seq);
        then?.();
      },
    });
    member.socket.send(template.emit(id, padded(dueMark(dueMs, index), demand.payloadBytes)));
    recorder.sent(dueMs, nowMs());
  }

  return {
    async play(window) {
      recorder.begin(window);
      const startMs = window.startMs - demand.warmUpMs;
      await sleep(Math.max(0, startMs - nowMs()));
      const { perSecond } = stage;
      if (byLog.length > 0 && perSecond !== undefined) {
        recorder.counts.turnedMs += await keepPace({
          perSecond,
          startMs,
          endMs: window.endMs,
          send: (dueMs, index) => send(dueMs, index),
        });
        return;
      }
      // The closed model: each answer makes room for the next.
      const again = (room: number): void => {
        if (nowMs() < window.endMs) send(nowMs(), room, () => again(room));
      };
      for (let room = 0; room < byLog.length; room++) for (let one = 0; one < demand.inFlight; one++) again(room);
      await sleep(Math.max(0, window.endMs - nowMs()));
    },
    reached: members.reached,
    settle: members.settle,
    end: members.end,
  };
}

/** The one whose turn it is, or the next that is still connected. */
function nextOpen(some: readonly Placed[], turn: number): Placed | undefined {
  for (let tried = 0; tried < some.length; tried++) {
    const placed = some[(turn + tried) % some.length]!;
    if (placed.member.socket.isOpen) return placed;
  }
  return undefined;
}
