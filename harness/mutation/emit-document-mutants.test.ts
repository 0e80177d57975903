import { expect, it } from "vitest";
import type { DocumentMutant } from "./document-mutant.ts";
import { documentMutantLines, emitDocumentMutants, figureOf } from "./emit-document-mutants.ts";
import type { DocumentMutantSummary } from "./run-document-mutants.ts";

const mutant = (kind: string, pointer: string) => ({ id: `${kind} ${pointer}`, kind }) as DocumentMutant;
const survives = { rule: undefined, detail: "" };
const summary: DocumentMutantSummary = {
  killed: [{ mutant: mutant("bound-narrowed", "#/a"), rule: "some-rule", detail: "expected 1; got 2" }],
  explained: ["#/b", "#/c"].map((pointer) => {
    return { mutant: mutant("limit-raised", pointer), ...survives, reason: "it cannot be | seen" };
  }),
  unexplained: [{ mutant: mutant("effect-removed", "#/d"), ...survives }],
  problems: [],
};

it("counts in one sentence", () => {
  expect(figureOf(summary)).toBe("1 of 4 document mutants are killed, 2 survive for a known reason, 1 survive without a reason");
  expect(figureOf({ ...summary, unexplained: [] })).toBe("1 of 3 document mutants are killed, 2 survive for a known reason");
});

it("names for each mutant the killer, the reason, or neither", () => {
  const lines = documentMutantLines(summary);
  expect(lines).toContain("    bound-narrowed #/a: some-rule");
  expect(lines).toContain("    limit-raised #/b: it cannot be | seen");
  expect(lines.indexOf("    effect-removed #/d")).toBeGreaterThan(lines.indexOf("Survived:"));
});

it("writes each reason once, with all mutants that it explains", () => {
  const page = emitDocumentMutants(summary);
  expect(page).toContain("| `bound-narrowed` | 1 |");
  expect(page).toContain("| `limit-raised #/b`<br>`limit-raised #/c` | it cannot be \\| seen |");
});
