// Which execution is named when the target is gone, on hand-written traces.
import { expect, it } from "vitest";
import type { HistoryEvent } from "../model/history.ts";
import { describeSent, findTrigger } from "./lost-target.ts";
import type { PhaseName } from "./rule.ts";
import type { RuleExecution } from "./rule-result.ts";

const execution = (id: string, ...trace: HistoryEvent[]) => executionOf("invalid", id, ...trace);

function executionOf(phase: PhaseName, id: string, ...trace: HistoryEvent[]): RuleExecution {
  const rule = {
    id,
    level: "MUST",
    phase,
    title: id,
    from: () => [],
    check: async () => {},
    brokenBy: () => [],
  } as const;
  const shared = { observed: 0, durationMs: 0, notes: [], violations: [], trace };
  return { rule, clause: { pointer: "#/x" }, outcome: { ...shared, kind: "lost", reason: "" }, failed: 0, runs: 1 };
}
const sent = (connection: number, atMs: number, frame: unknown, json = true): HistoryEvent => ({
  ...{ kind: "send", connection, atMs, frame, json, bytes: 1 },
});
const came = (connection: number, atMs: number): HistoryEvent => ({
  ...{ kind: "receive", connection, atMs, frame: {}, json: true, bytes: 2 },
});

it("names what is no message before what is one", () => {
  const found = findTrigger([execution("good", sent(1, 99, { a: 1 })), execution("bad", sent(2, 98, "{", false))], 100);
  expect(found?.execution.rule.id).toBe("bad");
  expect(describeSent(found!.sent)).toBe('the text "{"');
});

it("leaves out a frame that was answered, and what was sent long before", () => {
  const answered = execution("answered", sent(1, 99, "{", false), came(1, 99.5));
  const old = execution("old", sent(2, 10, "[", false));
  expect(findTrigger([answered, old, execution("last", sent(3, 2_090, {}))], 2_100)?.execution.rule.id).toBe("last");
});

it("leaves out what was sent before a frame that was answered on another connection", () => {
  const survived = execution("survived", sent(1, 90, "{", false));
  const answered = execution("answered", sent(2, 95, {}), came(2, 97));
  const last = execution("last", sent(3, 98, "[", false));
  expect(findTrigger([survived, answered, last], 100)?.execution.rule.id).toBe("last");
  // Where nothing else is left, the server may have died late of it.
  expect(findTrigger([survived, answered, execution("good", sent(3, 98, {}))], 100)?.execution.rule.id).toBe("survived");
});

it("names nobody where nothing was sent", () => {
  expect(findTrigger([execution("quiet", came(1, 99))], 100)).toBeUndefined();
});

it("blames no ordinary message while the odd opening request of another rule waits for its answer", () => {
  const said = executionOf("handshake", "said", sent(1, 99, { a: 1 }));
  const opening = executionOf("handshake", "odd", { kind: "note", connection: 2, atMs: 98, text: "GET /chat" });
  expect(findTrigger([said], 100)?.execution.rule.id).toBe("said");
  expect(findTrigger([said, opening], 100)).toBeUndefined();
});
