// The check of the cluster trial finds each kind of loss, and blames nobody for what was told.
import { expect, it } from "vitest";
import { checkStays, type SeenStay } from "./check-stays.ts";

const event = (seq: number, content?: string) => ({ epoch: "e", seq, text: JSON.stringify({ payload: { content } }) });
const stay = (events: SeenStay["events"], epoch = "e"): SeenStay => ({ epoch, joins: new Set([1, 5]), events });
const acked = (seq: number, content: string) => ({ room: "r", epoch: "e", seq, content });
const all = [acked(2, "a"), acked(3, "b")];

it.each<[string, SeenStay[], string | undefined]>([
  ["nothing is missing", [stay([event(2, "a"), event(3, "b")])], undefined],
  ["its own join is not announced to itself", [stay([event(2, "a"), event(3, "b"), event(4), event(6)])], undefined],
  ["a gap", [stay([event(2, "a"), event(4)])], "e 4 where 3 was due"],
  ["a doubled place", [stay([event(2, "a"), event(2, "a"), event(3, "b")])], "e 2 where 3 was due"],
  ["a message at two places", [stay([event(2, "a"), event(3, "b"), event(4, "b")])], "e 4 is b, as e 3 was"],
  ["another content", [stay([event(2, "a"), event(3, "c")])], "e 3 is c, acknowledged was b"],
  ["the end of the log that is in force", [stay([event(2, "a")])], "e 3 is missing, acknowledged was b"],
])("%s", (_, stays, anomaly) => {
  expect(checkStays(stays, all).anomalies[0]).toBe(anomaly);
});

it("the end of a log that was lost is missed, and told", () => {
  expect(checkStays([stay([event(2, "a")]), stay([], "f")], all)).toEqual({ anomalies: [], missedAndTold: ["b"] });
});
