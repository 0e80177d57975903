import { describe, expect, it } from "vitest";
import { UsageError } from "../schema/errors.ts";
import { applyBaseline, parseBaseline } from "./baseline.ts";
import type { RuleResult, Verdict } from "./result.ts";
import { type Circumstances, summarise } from "./verdict.ts";

function result(verdict: Verdict, more: Partial<RuleResult> = {}): RuleResult {
  const base = { id: "handshake-x", level: "MUST", phase: "handshake", title: "", reason: undefined, observed: 1 } as const;
  return { ...base, verdict, vacuous: false, durationMs: 0, failures: [], notes: [], ...more };
}

const code = (results: readonly RuleResult[], circumstances?: Circumstances) => summarise(results, circumstances).exitCode;

describe("summarise", () => {
  it("is green only where something was proven and nothing speaks against it", () => {
    expect(code([result("pass"), result("not-applicable"), result("warn")])).toBe(0);
    expect(code([])).toBe(3);
    expect(code([result("not-applicable")])).toBe(3);
    expect(code([result("not-testable")])).toBe(3);
    expect(code([result("pass", { observed: 0 })])).toBe(3);
  });

  it("lets a finding win over everything, and an interruption over all that passed", () => {
    expect(code([result("fail"), result("pass")], { interrupted: "it died" })).toBe(1);
    expect(code([result("pass")], { interrupted: "it died" })).toBe(3);
    expect(code([result("pass"), result("inconclusive")])).toBe(3);
    expect(code([result("pass"), result("not-testable", { vacuous: true })])).toBe(3);
  });

  it("says that a rule could not be tested, and is red for it when strict", () => {
    const results = [result("pass"), result("not-testable")];
    expect(summarise(results)).toMatchObject({ exitCode: 0, text: "Conformant: 1 rule passed, 1 rule could not be tested." });
    expect(code(results, { strict: true })).toBe(3);
    expect(code([result("pass"), result("warn")], { strict: true })).toBe(1);
  });
});

describe("the baseline", () => {
  const known = parseBaseline("# why\n- id: handshake-x\n  reason: issue 7\n", "base.yaml", ["handshake-x"]);

  it("keeps a known failure from counting", () => {
    const { results, stale } = applyBaseline([result("fail"), result("pass", { id: "other" })], known);
    expect(stale).toEqual([]);
    expect(summarise(results, { stale })).toMatchObject({
      exitCode: 0,
      text: "Conformant: 1 rule passed, 1 known failure excepted.",
    });
  });

  it("with an expectation keeps only such failures from counting", () => {
    const text = '- id: handshake-x\n  reason: issue 7\n  expected: "`join`"\n';
    const precise = parseBaseline(text, "base.yaml", ["handshake-x"]);
    const failing = (...expected: string[]) => {
      const rest = {
        pointer: "#/x",
        text: "",
        actual: "silence",
        failed: 1,
        runs: 1,
        steps: [],
        frames: [],
        seed: 1,
        replay: "",
      };
      const failures = expected.map((one) => ({ ...rest, expected: one }));
      return applyBaseline([result("fail", { failures })], precise).results[0]?.known;
    };
    expect(failing("an error for `join`")).toBe("issue 7");
    expect(failing("an error for `join`", "an error for `leave`")).toBeUndefined();
  });

  it("fails the run where the failure is gone, and leaves alone what was not tested", () => {
    const { results, stale } = applyBaseline([result("pass")], known);
    expect(summarise(results, { stale })).toMatchObject({ exitCode: 1 });
    expect(summarise(results, { stale }).text).toMatch(/handshake-x \(base\.yaml:2\)/);
    expect(applyBaseline([result("pass", { id: "other" })], known).stale).toEqual([]);
    expect(applyBaseline([result("inconclusive")], known).stale).toEqual([]);
  });

  it.each([
    ["id: x", /base\.yaml:1: expected a list/],
    ["- id: handshake-x", /base\.yaml:1: expected \{ id, reason, expected\? \}/],
    ["- { id: handshake-x, reason: a }\n- { id: handshake-x, reason: b }", /base\.yaml:2: handshake-x is in the list already/],
    ["- { id: nowhere, reason: a }", /base\.yaml:1: no rule is called nowhere/],
    ["- [", /base\.yaml:\d: /],
  ])("names the line of a mistake: %s", (text, words) => {
    expect(() => parseBaseline(text, "base.yaml", ["handshake-x"])).toThrow(UsageError);
    expect(() => parseBaseline(text, "base.yaml", ["handshake-x"])).toThrow(words);
  });
});
