import { beforeAll, beforeEach, expect, it } from "vitest";
import { loadSampleLog, type SampleLog, said } from "../comparison/sample-log.ts";
import { Recorder } from "./recorder.ts";
import { Replies } from "./replies.ts";

let sample: SampleLog;
let recorder: Recorder;
let replies: Replies;
let heard: unknown[];

beforeAll(async () => {
  sample = await loadSampleLog();
});
beforeEach(() => {
  recorder = new Recorder();
  replies = new Replies(sample.contract, sample.messages, recorder);
  heard = [];
});

const expected = (id: string | undefined, as = id) =>
  replies.expect(id, { dueMs: 0, answered: (_reply, code, atMs, bytes) => heard.push([as, code, atMs, bytes]) });
const noted = (re: string) => ({ type: "noted", re, log: "news", epoch: "e1", seq: 1 });
const refused = (re?: string) => ({ type: "refused", re, code: "SLOWLY" });

it("finds the request of a reply by its id, in any order and once", () => {
  for (const id of ["a", "b", "c"]) expected(id);
  for (const id of ["c", "a", "a"]) replies.came(noted(id), 5, 60);
  expect(heard).toEqual([
    ["c", undefined, 5, 60],
    ["a", undefined, 5, 60],
  ]);
  expect(replies.waiting).toBe(1);
});

it("gives a refusal's code to its request, and counts it by code", () => {
  expected("a");
  replies.came(refused("a"), 5, 40);
  // Nobody's: it is counted all the same.
  replies.came(refused("z"), 6, 40);
  replies.came(refused(), 7, 40);
  expect(heard).toEqual([["a", "SLOWLY", 5, 40]]);
  expect(recorder.end().refused).toEqual({ SLOWLY: 3 });
});

it("leaves alone what is no reply", () => {
  expected("a");
  replies.came(JSON.parse(said(1, "Hello")), 5, 60);
  for (const value of [null, 7, "noted", { type: "unheard of" }]) replies.came(value, 5, 60);
  expect(heard).toEqual([]);
  expect(replies.waiting).toBe(1);
});

it("answers in the order of the requests where the contract ties no reply to its request", () => {
  const bare = sample.contract.messages.map((message) => ({ ...message, correlation: undefined }));
  const messages = { ...sample.messages, message: (name: string) => bare.find((one) => one.name === name)! };
  replies = new Replies(sample.contract, messages, recorder);
  expected(undefined, "first");
  expected(undefined, "second");
  replies.came(noted("z"), 5, 60);
  replies.came(refused("y"), 6, 40);
  replies.came(noted("x"), 7, 60);
  expect(heard).toEqual([
    ["first", undefined, 5, 60],
    ["second", "SLOWLY", 6, 40],
  ]);
});

it("says how many it gives up, and calls none of them", () => {
  for (const id of ["a", "b", undefined]) expected(id);
  expect(replies.giveUp()).toBe(3);
  expect(replies.waiting).toBe(0);
  replies.came(noted("a"), 5, 60);
  expect(heard).toEqual([]);
});
