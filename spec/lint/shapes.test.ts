// Keys for protocols of other shapes: what they become in the Contract, and each mistake in them at its line.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lint } from "./lint.ts";

const file = fileURLToPath(new URL("../fixtures/shapes.yaml", import.meta.url));
const source = readFileSync(file, "utf8");

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsproof-shapes-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a document of another shape", async () => {
  const { contract, findings } = await lint({ file });
  const operation = (id: string) => contract!.operations.find((candidate) => candidate.id === id)!;

  it("has no finding above info", () => {
    expect(findings.filter(({ severity }) => severity !== "info")).toEqual([]);
  });

  it("has error codes of any scalar type, meant by their code or their name", () => {
    expect(contract!.errors!.codes.map(({ code, name }) => [code, name])).toEqual([
      [-32700, "PARSE_ERROR"],
      [-32601, "NO_METHOD"],
      [1, "NO_SUCH_JOB"],
      [true, "BUSY"],
    ]);
    expect(operation("stop").requires[0]!.else).toBe(1);
    expect(operation("start").requires).toMatchObject([{ kind: "may", codes: [true, -32601], else: true }]);
  });

  it("has several messages that carry errors, in order", () => {
    const { reply, replies } = contract!.errors!;
    expect(replies.map(({ message, code, from }) => [message, code, from])).toEqual([
      ["failure", "/error/code", "#/x-errors/reply/0"],
      ["fault", "/fault", "#/x-errors/reply/1"],
    ]);
    expect(reply.message).toBe("failure");
  });

  it("has values that come from replies and relations", () => {
    const [add, reply] = operation("start").effects;
    expect(add).toMatchObject({ kind: "add", where: new Map([["gid", { kind: "reply", pointer: "/result" }]]) });
    expect(reply).toMatchObject({ bindings: new Map([["/jobs", { kind: "list", relation: "job", item: "gid" }]]) });
    expect(operation("stop").bindings).toEqual(new Map([["/params/0", { kind: "relation", relation: "job", column: "gid" }]]));
  });

  it("says when replies come, in what order, and what may be sent", () => {
    expect(operation("start")).toMatchObject({ replyWhen: "when-correlated", exercise: "examples" });
    expect(operation("stop")).toMatchObject({ replyWhen: "always", exercise: "full" });
    expect(operation("answer").exercise).toBe("never");
    expect(contract!.channels[0]).toMatchObject({
      endpoint: "/rpc",
      batch: { maxItems: 20, replies: "any-order", error: -32700 },
      heartbeat: { frame: "beat", answer: "alive", by: "server" },
      delivery: { replies: "any-order", streams: [] },
    });
  });
});

describe("one mistake", () => {
  it.each([
    ["an error code that is no scalar", "{ code: 1, name: NO_SUCH_JOB,", "{ code: [1], name: NO_SUCH_JOB,", "vocabulary-value"],
    ["the number of a code as a text", "may: [BUSY, -32601]", 'may: [BUSY, "-32601"]', "error-code-unknown"],
    ["no code at all", "may: [BUSY, -32601]", "may: []", "vocabulary-value"],
    ["an error reply that is no message", "message: fault,", "message: fauld,", "message-unknown"],
    ["a pointer that the second error reply lacks", "code: /fault }", "code: /falt }", "pointer-unknown"],
    ["an answer that is no message", "answer: alive", "answer: alife", "message-unknown"],
    ["a batch with an unknown key", "maxItems: 20", "maxItem: 20", "vocabulary-key-unknown"],
    ["an order that is none", "x-delivery: { replies: any-order }", "x-delivery: { replies: any }", "vocabulary-value"],
    ["a batch's error that nobody lists", "error: PARSE_ERROR", "error: PARS_ERROR", "error-code-unknown"],
    ["a pointer that no reply has", "$reply#/result", "$reply#/reslt", "pointer-unknown"],
    ["a relation that is not there", "$relation.job.gid", "$relation.jobs.gid", "relation-unknown"],
    ["a column that is not there", "$relation.job.gid", "$relation.job.id", "column-unknown"],
    ["an item that is neither column nor attribute", "$list.job.gid", "$list.job.name", "column-unknown"],
    ["a way of replying that is none", "x-reply: when-correlated", "x-reply: sometimes", "vocabulary-value"],
    ["an exercise that is none", "x-exercise: never", "x-exercise: no", "vocabulary-value"],
    ["an endpoint on an operation", "x-exercise: never", "x-endpoint: /two", "vocabulary-key-misplaced"],
    ["a slip in a key", "x-exercise: never", "x-excercise: never", "vocabulary-key-misplaced"],
    ["a pointer that the request lacks", "x-with: { /params/0:", "x-with: { /parms/0:", "pointer-unknown"],
  ])("%s is found at its line", async (_, right, wrong, id) => {
    expect(source.split(right)).toHaveLength(2);
    const text = source.replace(right, () => wrong);
    const mistake = path.join(folder, "mistake.yaml");
    writeFileSync(mistake, text);
    const { findings } = await lint({ file: mistake });
    const line = text.split("\n").findIndex((candidate) => candidate.includes(wrong)) + 1;
    expect(findings.filter(({ severity }) => severity === "error")).toContainEqual(expect.objectContaining({ id, line }));
  });
});
