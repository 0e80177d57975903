// PROTOCOL.md says everything, and no text of a document breaks out of its place.
import { expect, test } from "vitest";
import type { Contract } from "../../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { emitMarkdown } from "./emit-markdown.ts";
import { block, code, inline, mermaidText, table } from "./markdown-syntax.ts";

const contract = (await loadContract({ file: defaultSpecFile })).contract!;

test("names every message, close code, error code, limit, rate limit and operation", () => {
  const text = emitMarkdown(contract);
  const channel = contract.channels[0]!;
  const wanted = [
    ...contract.messages.map(({ name }) => `### \`${name}\``),
    ...channel.closeCodes.map(({ code: number, name }) => `| ${number} | \`${name}\` |`),
    ...(contract.errors?.codes ?? []).map(({ code: name }) => `| \`${name}\` |`),
    ...[...channel.limits, ...channel.rateLimits].map(({ name }) => `| \`${name}\` |`),
    ...contract.operations.map(({ id }) => `\`${id}\``),
  ];
  expect(wanted.length).toBeGreaterThan(70);
  expect(wanted.filter((each) => !text.includes(each))).toEqual([]);
});

test("says what protocols of other shapes promise: batches, order of replies, heartbeats by message, what is not answered or sent", async () => {
  const file = new URL("../../../spec/fixtures/shapes.yaml", import.meta.url).pathname;
  const text = emitMarkdown((await loadContract({ file })).contract!);
  const wanted = [
    "A frame may be an array of at most 20 requests. One array holds their replies, in any order.",
    "Replies may come in another order than their requests",
    /The server sends .*beat.* every 30 s, and waits 10 s for .*alive/,
    "A request without an id gets no reply. Test tools send its examples alone.",
    "Test tools never send it.",
  ];
  for (const each of wanted) expect(text).toMatch(each);
});

const hostile =
  'a | b ` c <script>alert(1)</script> --> end\n# heading\n```mermaid; end "x" [link](javascript:1) ![i](x) $x$ &amp;';

test("hostile text stays text in running text, code, tables and diagrams", () => {
  for (const written of [inline(hostile), code(hostile)]) {
    expect(written).not.toMatch(/[\n|]|<script|-->/);
    expect(written).not.toContain("](");
  }
  expect(table(["x"], [[inline(hostile)], [code(hostile)]]).split("\n")).toHaveLength(4);
  expect(mermaidText(hostile).replaceAll(/#\d+;/g, "")).not.toMatch(/[";`<>[\]{}|#\n]/);
  expect(mermaidText("the end, Endless")).toBe("the #101;nd, Endless");
  expect(
    block("json", hostile)
      .split("\n")
      .filter((line) => line.startsWith("````")),
  ).toHaveLength(2);
});

test("a document whose every description is hostile gives the same lines of structure", () => {
  const poisoned = JSON.parse(
    JSON.stringify(contract, (_, value) => (value instanceof Map ? { __map: [...value] } : value)),
    (key, value) => {
      if (value?.__map !== undefined) return new Map(value.__map);
      return (key === "description" || key === "summary" || key === "when" || key === "title") &&
        typeof value === "string" &&
        !/^[a-z-]+$/.test(value)
        ? hostile
        : value;
    },
  ) as Contract;
  const structure = (text: string) =>
    text
      .split("\n")
      .filter((line) => /^(#+ |\| --- |```|sequenceDiagram|stateDiagram)/.test(line))
      .map((line) => line.replace(/^# .*/, "# title"));
  expect(structure(emitMarkdown(poisoned))).toEqual(structure(emitMarkdown(contract)));
});
