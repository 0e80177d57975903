import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { loadSampleLog, type SampleLog, said } from "../comparison/sample-log.ts";
import { dueMark, otherEpoch, SeqLog } from "./seq-log.ts";

let sample: SampleLog;
let log: SeqLog;

beforeAll(async () => {
  sample = await loadSampleLog();
});
beforeEach(() => {
  log = new SeqLog("news", sample.roles, sample.messages);
});

function match(text: string) {
  // With bytes on both sides, as in a chunk of many frames.
  const bytes = Buffer.from(`89${text}12`);
  return log.match(bytes, 2, bytes.length - 2);
}
const read = (text: string) => log.read(text, JSON.parse(text));
const mark = (dueMs: number) => dueMark(dueMs, 7);

describe("the bytes before seq", () => {
  it("are learned from the first that is parsed, and then give the seq of those whose due time is known", () => {
    expect(match(said(41, mark(5)))).toBeUndefined();
    expect(read(said(41, mark(5)))).toEqual({ seq: 41, isPublish: true });
    expect(match(said(41, mark(5)))).toEqual({ seq: 41, isPublish: true });
    // Nobody knows yet when 42 was due: the first to see it parses it.
    expect(match(said(42, mark(6)))).toBeUndefined();
    read(said(42, mark(6)));
    expect(match(said(42, mark(6)))).toEqual({ seq: 42, isPublish: true });
    expect(log.ways).toEqual({ parsed: 2, matched: 2 });
  });

  it("do not match another epoch, log or message", () => {
    read(said(1, mark(5)));
    expect(match(said(1, mark(5)))).toBeDefined();
    expect(match(said(1, mark(5), { epoch: "e2" }))).toBeUndefined();
    expect(match(said(1, mark(5), { log: "olds" }))).toBeUndefined();
    expect(match(said(1, mark(5)).replace("said", "sold"))).toBeUndefined();
  });

  it("of another epoch are told apart, and not learned", () => {
    read(said(7, mark(5)));
    for (const seq of [1, 2]) expect(read(said(seq, mark(6), { epoch: "e2" }))).toBe(otherEpoch);
    expect(match(said(1, mark(6), { epoch: "e2" }))).toBeUndefined();
    expect(log.dueMs(1)).toBeNaN();
    expect(read(said(8, mark(7)))).toEqual({ seq: 8, isPublish: true });
  });

  it("are not learned from another log, which is none of this one's", () => {
    const other = said(1, mark(5), { log: "olds" });
    expect(read(other)).toBeUndefined();
    expect(match(other)).toBeUndefined();
    expect(read(JSON.stringify({ type: "noted", re: "1", log: "news", epoch: "e1", seq: 1 }))).toBeUndefined();
  });

  it("may have spaces around them, and keep their own", () => {
    const spaced = (seq: number) => `{ "type" : "said", "log": "news","epoch":"e1", "seq" :  ${seq} , "text": "${mark(5)}" }`;
    expect(read(spaced(9))).toEqual({ seq: 9, isPublish: true });
    expect(match(spaced(9))).toEqual({ seq: 9, isPublish: true });
    expect(match(said(9, mark(5)))).toBeUndefined();
    const pretty = JSON.stringify(JSON.parse(said(9, mark(5))), ["type", "log", "epoch", "text", "seq"], 2);
    read(pretty);
    expect(match(pretty)).toEqual({ seq: 9, isPublish: true });
  });

  it("end at the seq of the log, not at one in the content", () => {
    const content = '","seq":3,"x":"';
    const before = JSON.stringify({ type: "said", text: content, log: "news", epoch: "e1", seq: 12 });
    expect(read(before)).toEqual({ seq: 12, isPublish: true });
    expect(match(before)).toEqual({ seq: 12, isPublish: true });
    // A number of another member that stands first is not it either.
    const inner = (seq: number) => `{"type":"said","from":{"seq":4},"log":"news","epoch":"e1","seq":${seq},"text":"${mark(5)}"}`;
    expect(read(inner(13))).toEqual({ seq: 13, isPublish: true });
    expect(match(inner(13))).toEqual({ seq: 13, isPublish: true });
  });

  it("are not learned where log, epoch or kind stand after seq: each delivery is parsed, and counted so", () => {
    for (const order of [
      ["type", "epoch", "seq", "log", "text"],
      ["type", "log", "seq", "epoch", "text"],
      ["log", "epoch", "seq", "type", "text"],
    ]) {
      const text = JSON.stringify({ type: "said", log: "news", epoch: "e1", seq: 5, text: mark(5) }, order);
      expect(read(text)).toEqual({ seq: 5, isPublish: true });
      expect(match(text)).toBeUndefined();
    }
    expect(log.ways).toEqual({ parsed: 3, matched: 0 });
  });

  it("followed by no whole number are parsed", () => {
    read(said(1, mark(5)));
    const head = '{"type":"said","log":"news","epoch":"e1","seq":';
    for (const rest of ['"1","text":""}', '-1,"text":""}', "", "1"]) expect(match(head + rest)).toBeUndefined();
    expect(match(`${head}1.5,"text":""}`)).toBeUndefined();
    expect(match(`${head}1e3,"text":""}`)).toBeUndefined();
  });

  it("that vary with each delivery do not grow without end", () => {
    for (let seq = 1; seq <= 100; seq++) {
      const text = `{"at":${seq},"type":"said","log":"news","epoch":"e1","seq":${seq},"text":"${mark(5)}"}`;
      expect(read(text)).toEqual({ seq, isPublish: true });
    }
    const old = `{"at":1,"type":"said","log":"news","epoch":"e1","seq":1,"text":"${mark(5)}"}`;
    expect(match(old)).toBeUndefined();
  });
});

describe("when a publish was due", () => {
  it("stands in its content to a microsecond", () => {
    read(said(3, mark(1234.567)));
    expect(log.dueMs(3)).toBeCloseTo(1234.567, 9);
  });

  it("is read from a padded content, and from none that is not ours", () => {
    read(said(3, `${mark(8)} xxxxxxxx`));
    read(said(4, "Hello"));
    read(said(5, `${mark(8)} yy`));
    expect([3, 4, 5, 6].map((seq) => log.dueMs(seq))).toEqual([8, Number.NaN, Number.NaN, Number.NaN]);
  });

  it("is known for seqs that came out of order, and for large ones", () => {
    for (const seq of [5_000_000, 5_000_007, 5_000_003]) read(said(seq, mark(seq)));
    expect([5_000_000, 5_000_003, 5_000_007].map((seq) => log.dueMs(seq))).toEqual([5_000_000, 5_000_003, 5_000_007]);
    expect(log.dueMs(5_000_001)).toBeNaN();
  });
});

it("knows two members that were told different things at one seq", () => {
  read(said(3, mark(8)));
  expect(log.isSame(3, JSON.parse(said(3, mark(8))))).toBe(true);
  expect(log.isSame(3, JSON.parse(said(3, mark(9))))).toBe(false);
});

it("keeps where what was acknowledged stands", () => {
  for (const seq of [7, 3, 9]) log.acknowledged(seq);
  expect(log.acked).toEqual({ lowest: 3, highest: 9, count: 3 });
});
