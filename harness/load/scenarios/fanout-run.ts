// fanout: rooms x members x rate. Members publish in turn; every member must get each seq once and in order.
import { nowMs } from "../clock.ts";
import { unanswered } from "../load-result.ts";
import { padded, type Ready, seqIn, setupMembers } from "../members.ts";
import { play } from "../send-loop.ts";
import { dueMark } from "../seq-log.ts";
import type { SlowReaders } from "../slow-readers.ts";
import { expectValid, type ScenarioRun, type WorkerContext } from "../worker-context.ts";

export async function prepareFanout(
  worker: WorkerContext,
  progress: (count: number) => void,
  slow?: SlowReaders,
): Promise<ScenarioRun> {
  const { profile, recorder, run } = worker;
  const members = await setupMembers(worker, progress, slow);
  const { roles, byLog } = members;
  const { name, correlation } = run.messages.message(roles.publish.messages[0]!);
  const nextId = () => (correlation === undefined ? undefined : worker.context.id(name));
  if (byLog[0] !== undefined) {
    const trial = byLog[0][0]!.template.emit(nextId(), padded(dueMark(nowMs(), 1), profile.payloadBytes));
    expectValid(worker, roles.publish, trial, "Change --payload, or the document.");
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
    const id = nextId();
    replies.expect(id, {
      dueMs,
      answered(reply, code) {
        const seq = code === undefined ? seqIn(reply, roles) : undefined;
        if (seq !== undefined) member.log.acknowledged(seq);
        then?.();
      },
    });
    member.socket.send(template.emit(id, padded(dueMark(dueMs, index), profile.payloadBytes)));
    recorder.sent(dueMs, nowMs());
  }

  return {
    play: (window) => play(worker, window, { sources: byLog.length, send }),
    reached: members.reached,
    settle: members.settle,
    seen: members.seen,
    end: members.end,
  };
}

/** The one whose turn it is, or the next that is still connected. */
function nextOpen(some: readonly Ready[], turn: number): Ready | undefined {
  for (let tried = 0; tried < some.length; tried++) {
    const ready = some[(turn + tried) % some.length]!;
    if (ready.member.socket.isOpen) return ready;
  }
  return undefined;
}
