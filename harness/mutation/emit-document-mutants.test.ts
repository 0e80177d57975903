import { expect, it } from "vitest";
import type { Mutant } from "./document-mutant.ts";
import { alteredLines, emitAltered, figureOf } from "./emit-document-mutants.ts";
import type { MutantResult } from "./run-document-mutants.ts";

const mutant = (kind: string, pointer: string) => ({ id: `${kind} ${pointer}`, kind }) as Mutant;
const survives = { rule: undefined, detail: "" };
const result: MutantResult = {
  noticed: [{ mutant: mutant("bound-narrowed", "#/a"), rule: "some-rule", detail: "expected 1; got 2" }],
  explained: ["#/b", "#/c"].map((pointer) => {
    return { mutant: mutant("limit-raised", pointer), ...survives, reason: "it cannot be | seen" };
  }),
  unexplained: [{ mutant: mutant("effect-removed", "#/d"), ...survives }],
  complaints: [],
};

it("counts in one sentence", () => {
  expect(figureOf(result)).toBe(
    "1 of 4 altered documents make the honest server fail, 2 are explained, 1 go unnoticed without a reason",
  );
  expect(figureOf({ ...result, unexplained: [] })).toBe("1 of 3 altered documents make the honest server fail, 2 are explained");
});

it("names in the matrix what convicted, the reason, or neither", () => {
  const lines = alteredLines(result);
  expect(lines).toContain("    bound-narrowed #/a: some-rule");
  expect(lines).toContain("    limit-raised #/b: it cannot be | seen");
  expect(lines.indexOf("    effect-removed #/d")).toBeGreaterThan(lines.indexOf("Survivors:"));
});

it("puts on the page each reason once, with all that it explains", () => {
  const page = emitAltered(result);
  expect(page).toContain("| `bound-narrowed` | 1 |");
  expect(page).toContain("| `limit-raised #/b`<br>`limit-raised #/c` | it cannot be \\| seen |");
});
