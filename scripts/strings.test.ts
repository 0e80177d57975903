// generated/STRINGS.md is exactly what `npm run strings` writes.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { emitStrings, stringsFile, userVisibleStrings } from "./strings.ts";

it("generated/STRINGS.md holds every sentence of the sources and no other (else: npm run strings)", () => {
  expect(readFileSync(stringsFile, "utf8")).toBe(emitStrings());
});

it("each chapter has sentences", () => {
  for (const [title, files] of userVisibleStrings()) expect([...files.values()].flat().length, title).toBeGreaterThan(20);
});
