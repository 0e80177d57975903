// No source says a word that the glossary has given up, and the test would see it.
import { describe, expect, test } from "vitest";
import { refusedWords } from "./glossary.ts";
import { sourceTokens } from "./source-text.ts";
import { ownSources } from "./tracked-sources.ts";

test("no source holds a refused word", () => {
  const sources = [...ownSources({ tests: true })];
  expect(sources.length).toBeGreaterThan(300);
  const found = sources.flatMap(([file, source]) => refusedWords(file, source));
  expect(found.map(({ file, line, word, use }) => `${file}:${line} ${word}: say ${use}`)).toEqual([]);
});

describe("refused words", () => {
  test.each([
    ["reference/x.ts", "const strikeCount = 1;", "strikeCount"],
    ["harness/model/x.ts", "interface World {}", "World"],
    ["harness/client/wallet.ts", "", "wallet (the file's name)"],
    ["spec/x.ts", 'const text = "what would mend it";', "mend"],
    ["spec/x.ts", ["const text = `a $", "{`b $", "{c} judges`} d`;"].join(""), "judges"],
    ["spec/x.ts", "const pattern = /[\"`/]/; const text = 'that which';", "that which"],
  ])("%s: %s", (file, source, word) => {
    expect(refusedWords(file, source).map((found) => found.word)).toEqual([word]);
  });

  test.each([
    ["spec/x.ts", "// A comment may mend.\nconst recommend = amendment / World;"],
    ["harness/load/x.ts", "interface Row {}"],
    ["spec/x.ts", 'import { x } from "./mend.ts";'],
  ])("not in %s: %s", (file, source) => {
    expect(refusedWords(file, source)).toEqual([]);
  });
});

test("a source is read as names, texts and comments, each with its line", () => {
  const source = ["// one\nconst a = `t$", "{b /* c */}u`;\nx = 4 / y; /* d\n*/ 'e' / f"].join("");
  expect(sourceTokens(source).map(({ kind, value, line }) => `${line} ${kind} ${value}`)).toEqual([
    "1 comment // one",
    "2 name const",
    "2 name a",
    "2 text t",
    "2 name b",
    "2 comment /* c */",
    "2 text u",
    "3 name x",
    "3 name y",
    "3 comment /* d\n*/",
    "4 text e",
    "4 name f",
  ]);
});
