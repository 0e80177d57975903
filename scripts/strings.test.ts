// generated/STRINGS.md is a list to read, so that it may lag behind the sources by a few sentences, but not by a chapter.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { stringsFile, userVisibleStrings } from "./strings.ts";

it("generated/STRINGS.md holds what the sources say (else: npm run strings)", () => {
  const listed = new Set(
    readFileSync(stringsFile, "utf8")
      .split("\n")
      .map((line) => line.trim()),
  );
  for (const [title, files] of userVisibleStrings()) {
    const texts = [...files.values()].flat();
    expect(texts.length, title).toBeGreaterThan(20);
    const missing = texts.filter((text) => !listed.has(text));
    expect(missing.length / texts.length, `${title}: ${missing.slice(0, 20).join("\n")}`).toBeLessThan(0.1);
  }
});
