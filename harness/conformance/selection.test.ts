import { describe, expect, it } from "vitest";
import { UsageError } from "../schema/errors.ts";
import type { Phase } from "./phase.ts";
import { selectRules } from "./selection.ts";

const phase = (name: string, ...ids: readonly string[]) => ({ name, rules: ids.map((id) => ({ id })) }) as unknown as Phase;
const phases = [
  phase("handshake", "handshake-a", "handshake-a-expired"),
  phase("limits", "limits-rate", "limits-rate-expired-b"),
];

function selected(only: readonly string[], inPhases: readonly string[] = [], exclude: readonly string[] = []): string[] {
  return selectRules(phases, only, inPhases, exclude).flatMap(({ rules }) => rules.map(({ id }) => id));
}

describe("selectRules", () => {
  it.each([
    [["handshake"], [], ["handshake-a", "handshake-a-expired"]],
    [["*-expired"], [], ["handshake-a-expired"]],
    [["*-expired*"], [], ["handshake-a-expired", "limits-rate-expired-b"]],
    [["limits*b", "handshake-a-e"], [], ["handshake-a-expired", "limits-rate-expired-b"]],
    [[], ["limits"], ["handshake-a", "handshake-a-expired"]],
    [["limits"], ["*expired*"], ["limits-rate"]],
  ])("only %j without %j is %j", (only, exclude, ids) => {
    expect(selected(only, [], exclude)).toEqual(ids);
  });

  it("refuses what fits no rule, and names the option", () => {
    expect(() => selected(["*-zz"])).toThrow(UsageError);
    expect(() => selected(["*-zz"])).toThrow('no rule has an id that matches "*-zz" (--only)');
    expect(() => selected([], [], ["limit-rate"])).toThrow(/begins with "limit-rate" \(--exclude\); did you mean limits-rate\?/);
    expect(() => selected([], ["no-phase"])).toThrow(/^expected --phase to be one of/);
  });
});
