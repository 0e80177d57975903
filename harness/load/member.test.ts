import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeFrame } from "../client/wire/frame.ts";
import { createSamplePeer, loadSampleLog, type SampleLog, type SamplePeer, said } from "../comparison/sample-log.ts";
import { nowMs } from "./clock.ts";
import { Member } from "./member.ts";
import { Recorder } from "./recorder.ts";
import { Replies } from "./replies.ts";
import { dueMark, SeqLog } from "./seq-log.ts";

let sample: SampleLog;
let log: SeqLog;
let recorder: Recorder;
let server: SamplePeer;
let member: Member;
const dueMs = nowMs();

beforeAll(async () => {
  sample = await loadSampleLog();
});
beforeEach(() => {
  log = new SeqLog("news", sample.roles, sample.messages);
  recorder = new Recorder();
  recorder.begin({ startMs: dueMs - 1000, endMs: dueMs + 3_600_000 });
  ({ member, server } = join());
});

function join() {
  const one = createSamplePeer();
  const replies = new Replies(sample.contract, sample.messages, recorder);
  return { member: new Member(one.peer, { log, recorder, replies }), server: one };
}
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const text = (seq: number) => said(seq, dueMark(dueMs, seq));
const say = (...seqs: readonly number[]) => server.say(...seqs.map(text));
const counts = () => {
  const { received, duplicated, disordered, unexpected, done } = recorder.counts;
  return { received, duplicated, disordered, unexpected, done };
};
const well = { received: 0, duplicated: 0, disordered: 0, unexpected: 0, done: 0 };

describe("a member", () => {
  it("that gets each seq once and in order has nothing to complain about", () => {
    say(...from(10, 209));
    expect(counts()).toEqual({ ...well, received: 200, done: 200 });
    expect(member.lost(10, 209)).toBe(0);
    expect(member.hasReached(209)).toBe(true);
    expect(member.hasReached(210)).toBe(false);
  });

  it("finds by its first bytes what another of the log has parsed, and parses one in 64 all the same", () => {
    const other = join();
    say(...from(1, 128));
    other.server.say(...from(1, 128).map(text));
    expect(log.ways).toEqual({ parsed: 130, matched: 128 });
    expect(counts()).toEqual({ ...well, received: 256, done: 256 });
  });

  it("misses what never came: in a gap, before its first and after its last", () => {
    say(5, 6, 9, 10, 14);
    expect(member.lost(5, 14)).toBe(2 + 3);
    expect(member.lost(3, 14)).toBe(2 + 2 + 3);
    expect(member.lost(3, 20)).toBe(2 + 2 + 3 + 6);
    expect(member.lost(7, 8)).toBe(2);
    expect(member.lost(15, 20)).toBe(6);
    expect(member.lost(20, 15)).toBe(0);
    expect(counts()).toEqual({ ...well, received: 5, done: 5 });
  });

  it("that never got anything misses all of it", () => {
    expect(member.lost(5, 14)).toBe(10);
    expect(member.lost(0, 0)).toBe(1);
    expect(member.hasReached(5)).toBe(false);
  });

  it("counts what comes twice, at once or later", () => {
    say(1, 1, 2, 3, 2);
    expect(counts()).toEqual({ ...well, received: 3, done: 3, duplicated: 2 });
    expect(member.lost(1, 3)).toBe(0);
  });

  it("counts what comes after a later one, and does not miss it", () => {
    say(1, 3, 2, 4, 7, 5, 6);
    expect(counts()).toEqual({ ...well, received: 7, done: 7, disordered: 3 });
    expect(member.lost(1, 7)).toBe(0);
  });

  it("tells a late one from its repetition", () => {
    say(1, 3, 2, 2, 3);
    expect(counts()).toEqual({ ...well, received: 3, done: 3, disordered: 1, duplicated: 2 });
  });

  it("that is told first of a later one counts an earlier one as disordered, not as doubled", () => {
    say(6, 5, 7);
    expect(counts()).toEqual({ ...well, received: 3, done: 3, disordered: 1 });
    expect(member.lost(5, 7)).toBe(0);
    expect(member.lost(4, 7)).toBe(1);
  });

  it("says that a log began anew, and finds nothing doubled in that", () => {
    say(1, 2, 3);
    server.say(said(1, dueMark(dueMs, 4), { epoch: "e2" }), said(2, dueMark(dueMs, 5), { epoch: "e2" }));
    expect(counts()).toEqual({ ...well, received: 3, done: 3, unexpected: 2 });
    expect([...recorder.notes].join()).toContain("its epoch changed");
  });

  it("takes a jump of millions for no gap: it is none of this log", () => {
    say(1, 2, 50_000_000, 3);
    expect(counts()).toEqual({ ...well, received: 3, done: 3, unexpected: 1 });
    expect(member.lost(1, 3)).toBe(0);
  });

  it("counts contents that are none of ours, what is no JSON, and two contents at one seq", () => {
    server.say(said(1, "Hello"));
    expect(counts()).toEqual({ ...well, received: 1, unexpected: 1 });
    server.say("{");
    expect(counts()).toEqual({ ...well, received: 1, unexpected: 2 });
    say(2);
    const other = join();
    other.server.say(text(1));
    for (let at = 0; at < 62; at++) other.server.say(text(2));
    recorder.counts.unexpected = 0;
    other.server.say(said(2, dueMark(dueMs + 5, 99)));
    expect(counts().unexpected).toBe(1);
  });

  it("measures from when a publish was due, and only what was due in the window", () => {
    const window = { startMs: nowMs() - 100, endMs: nowMs() + 3_600_000 };
    recorder.begin(window);
    server.say(said(1, dueMark(window.startMs - 1, 1)), said(2, dueMark(window.startMs + 1, 2)));
    expect(counts()).toEqual({ ...well, received: 2, done: 1 });
  });

  it("hears replies beside deliveries", () => {
    let told: unknown;
    const one = createSamplePeer();
    const replies = new Replies(sample.contract, sample.messages, recorder);
    new Member(one.peer, { log, recorder, replies });
    replies.expect("l1", {
      dueMs,
      answered(reply) {
        told = reply;
      },
    });
    const noted = { type: "noted", re: "l1", log: "news", epoch: "e1", seq: 1 };
    one.say(text(1), JSON.stringify(noted), text(2));
    expect(told).toEqual(noted);
    expect(counts()).toEqual({ ...well, received: 2, done: 2 });
  });

  it("reads deliveries that are cut anywhere, and those in fragments", () => {
    const bytes = Buffer.concat(from(1, 20).map((seq) => encodeFrame({ opcode: 1, payload: text(seq) })));
    for (let at = 0; at < bytes.length; at += 37) server.push(bytes.subarray(at, at + 37));
    server.push(encodeFrame({ opcode: 1, payload: text(21).slice(0, 20), fin: false }));
    server.push(encodeFrame({ opcode: 9, payload: "beat" }));
    server.push(encodeFrame({ opcode: 0, payload: text(21).slice(20) }));
    expect(counts()).toEqual({ ...well, received: 21, done: 21 });
    expect(recorder.counts.pings).toBe(1);
  });
});

describe("the end of a connection", () => {
  const closed = () => recorder.end().closed;

  it("is counted by the server's close code, which is answered", () => {
    server.push(encodeFrame({ opcode: 8, payload: Buffer.from([0x10, 0x01]) }));
    server.end("fin");
    expect(closed()).toEqual({ 4097: 1 });
    expect(server.sent).toEqual([{ close: 4097 }]);
    expect(member.socket.isOpen).toBe(false);
  });

  it("without a close frame is 1006, or a reset", () => {
    server.end("fin");
    join().server.end("reset");
    expect(closed()).toEqual({ 1006: 1, reset: 1 });
  });

  it("by what cannot be read says what it was", () => {
    server.push(Buffer.from([0x81, 0x80, 0, 0, 0, 0]));
    expect(Object.keys(closed()).join()).toContain("unreadable: a server's frame that is masked");
  });

  it("that we wanted is not counted", () => {
    member.socket.leave();
    server.end("fin");
    expect(closed()).toEqual({});
  });
});
