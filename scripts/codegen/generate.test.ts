// What generate writes: equal bytes each time, strict types, validators that plain node imports and that agree with AJV.
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Contract } from "../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { createValidators } from "../../spec/schemas.ts";
import { banner } from "./banner.ts";
import { fileNames } from "./file-names.ts";
import { emitAll, generate } from "./generate.ts";

const echoFile = fileURLToPath(new URL("../../spec/examples/echo/asyncapi.yaml", import.meta.url));
let contract: Contract;
let folder: string;

/** Each line fails to compile where a type is wider, narrower or named otherwise than the document says. */
const useOfOurOwn = `
import type { Chat, ClientMessage, ErrorCode, ErrorMessage, Message, Messages, ServerMessage } from "./types.gen.ts";
import { closeCodes, limits } from "./protocol.gen.ts";
import isChat from "./validators/chat.gen.js";
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
export const same: Same<Messages["chat"], Chat> & Same<Chat["type"], "chat"> & Same<Message["payload"]["room"], string | null>
  & Same<Extract<ServerMessage, { type: "error" }>, ErrorMessage> & Same<Extract<ClientMessage, { type: "error" }>, never> = true;
export const code: ErrorCode = "NOT_IN_ROOM";
export const number: 4429 = closeCodes.RATE_LIMITED.code;
export const bytes: 65536 = limits.messageBytes.value;
export function room(value: unknown): string {
  if (isChat(value)) return value.payload.room;
  return isChat.errors?.[0]?.instancePath ?? "";
}
`;
const useOfAwkward = `
import type { ClientMessage, ErrorMessage, Messages } from "./types.gen.ts";
import validate from "./validators/a-b.gen.js";
export const tree: Messages["a b"] = { children: [{ children: [] }], "odd key": "x" };
export const error: ErrorMessage = { at: null };
export const either: ClientMessage[] = [tree, error];
export const checked = validate(tree) && tree.children;
`;

/** Names that are no names, a recursive schema, keywords and patterns that AJV refuses in its strict mode, comments that end. */
async function awkwardFile(): Promise<string> {
  const file = path.join(folder, "awkward.json");
  const schema = (name: string) => ({ $ref: `#/components/schemas/${name}` });
  const channel = { $ref: "#/channels/c" };
  const document = {
    asyncapi: "3.0.0",
    info: { title: "a */ b `c`", version: "1" },
    channels: {
      c: {
        address: "/",
        messages: { "a b": { $ref: "#/components/messages/a b" }, Error: { $ref: "#/components/messages/Error" } },
      },
    },
    operations: { go: { action: "receive", channel } },
    components: {
      messages: {
        "a b": { title: "Title", description: "ends */ here", payload: schema("Node") },
        Error: { payload: { type: "object", required: ["at"], properties: { at: schema("1x") }, madeUp: true } },
      },
      schemas: {
        Node: {
          type: "object",
          title: "Other",
          required: ["children"],
          additionalProperties: false,
          properties: {
            children: { type: "array", title: "Again", items: schema("Node") },
            "odd key": { type: "string", pattern: "^[\\w-\\.]\\-?$" },
          },
        },
        "1x": { enum: ["a", 1, null], format: "made-up", "x-note": { deep: true } },
      },
    },
  };
  await writeFile(file, JSON.stringify(document));
  return file;
}

beforeAll(async () => {
  contract = (await loadContract({ file: defaultSpecFile })).contract!;
  folder = await mkdtemp(path.join(tmpdir(), "wsproof-generate-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("two runs give equal bytes", async () => {
  const again = (await loadContract({ file: defaultSpecFile })).contract!;
  expect([...(await emitAll(again))]).toEqual([...(await emitAll(contract))]);
});

describe("on disk", () => {
  test("writes once, then nothing; --check sees drift and names the line; stale files go", async () => {
    const out = path.join(folder, "disk");
    const first = await generate({ file: defaultSpecFile, out });
    expect(first.changed).toHaveLength(first.files);
    expect((await generate({ file: defaultSpecFile, out })).changed).toEqual([]);

    const types = path.join(out, "types.gen.ts");
    const lines = (await readFile(types, "utf8")).split("\n");
    lines[4] = "export type Id = number;";
    await writeFile(types, lines.join("\n"));
    await writeFile(path.join(out, "validators", "gone.gen.js"), banner("Is a value the message `gone`?"));
    await writeFile(path.join(out, "foreign.gen.ts"), "// Of another tool.\n");
    const { changed } = await generate({ file: defaultSpecFile, out, check: true });
    expect(changed.map(({ name, line }) => [name, line?.number])).toEqual([
      ["types.gen.ts", 5],
      [path.join("validators", "gone.gen.js"), undefined],
    ]);
    expect(await readFile(types, "utf8")).toContain("Id = number");

    await generate({ file: defaultSpecFile, out });
    expect((await generate({ file: defaultSpecFile, out, check: true })).changed).toEqual([]);
    expect(await readFile(path.join(out, "foreign.gen.ts"), "utf8")).toBe("// Of another tool.\n");
  });

  test("a blocked document gives its findings, and nothing is written", async () => {
    const file = path.join(folder, "broken.yaml");
    await writeFile(file, "asyncapi: 3.0.0\ninfo: [\n");
    const out = path.join(folder, "of-broken");
    const { findings, changed } = await generate({ file, out });
    expect(findings.map(({ blocking }) => blocking)).toContain(true);
    expect(changed).toEqual([]);
    await expect(readFile(path.join(out, "types.gen.ts"))).rejects.toThrow("ENOENT");
  });

  test.each([
    ["our own", () => defaultSpecFile, useOfOurOwn],
    ["another", () => echoFile, ""],
    ["an awkward", awkwardFile, useOfAwkward],
  ])("the output of %s document compiles under tsc --strict, and so does its use", async (name, fileOf, use) => {
    const out = path.join(folder, `strict-${name.replaceAll(" ", "-")}`);
    const { files: count } = await generate({ file: await fileOf(), out });
    expect(count).toBeGreaterThan(5);
    await writeFile(path.join(out, "use.ts"), use);
    const options = [
      "--strict",
      "--noEmit",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--allowImportingTsExtensions",
      "--types",
      "",
    ];
    const files = ["types.gen.ts", "protocol.gen.ts", "use.ts"].map((each) => path.join(out, each));
    const compiled = { status: 0, output: "" };
    try {
      execFileSync("npx", ["tsc", "--ignoreConfig", ...options, ...files], {
        encoding: "utf8",
        cwd: fileURLToPath(new URL("../..", import.meta.url)),
      });
    } catch (error) {
      compiled.output = String((error as { stdout?: unknown }).stdout);
      compiled.status = 1;
    }
    expect(compiled).toEqual({ status: 0, output: "" });
  });

  test("plain node imports the validators where nothing is installed", async () => {
    const out = path.join(folder, "plain");
    await generate({ file: defaultSpecFile, out });
    const alone = await mkdtemp(path.join(tmpdir(), "wsproof-alone-"));
    await cp(path.join(out, "validators"), alone, { recursive: true });
    await writeFile(path.join(alone, "package.json"), '{ "type": "module" }');
    const example = contract.messages.find(({ name }) => name === "connected")!.examples[0]!.payload;
    const program = `import validate from "./connected.gen.js"; console.log(validate(${JSON.stringify(example)}), validate({}), validate.errors[0].keyword);`;
    expect(execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: alone, encoding: "utf8" })).toBe(
      "true false required\n",
    );
    await rm(alone, { recursive: true });
  });
});

describe("the output of a document", () => {
  const schema = (payload: object) => ({
    asyncapi: "3.0.0",
    info: { title: "t", version: "1" },
    channels: { c: { address: "/", messages: { m: { payload } } } },
    operations: { o: { action: "send", channel: { $ref: "#/channels/c" } } },
  });

  async function generated(name: string, payload: object) {
    const home = path.join(folder, name);
    await mkdir(home, { recursive: true });
    await writeFile(path.join(home, "whole-file.json"), JSON.stringify({ type: "object", required: ["a"] }));
    await writeFile(path.join(home, "spec.json"), JSON.stringify(schema(payload)));
    const out = path.join(home, "out");
    await generate({ file: path.join(home, "spec.json"), out });
    const module = await import(/* @vite-ignore */ pathToFileURL(path.join(out, "validators/m.gen.js")).href);
    return {
      types: await readFile(path.join(out, "types.gen.ts"), "utf8"),
      validate: module.default as (value: unknown) => boolean,
    };
  }

  test("names a schema that is a whole file after the file", async () => {
    const { types } = await generated("file", { type: "object", properties: { a: { $ref: "./whole-file.json" } } });
    expect(types).toContain("export interface WholeFile {");
    expect(types).not.toMatch(/x-?wsproof/i);
  });

  test("does not take what every object inherits for a property", async () => {
    const { validate } = await generated("inherited", {
      type: "object",
      required: ["constructor"],
      properties: { hasOwnProperty: { type: "string" } },
    });
    expect([{}, { constructor: 1 }, { constructor: 1, hasOwnProperty: 1 }].map((value) => validate(value))).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("may hold code in its texts", async () => {
    const text = "const x = require('fs'); */ `";
    const { validate } = await generated("code", { const: text, description: text });
    expect([text, "other"].map((value) => validate(value))).toEqual([true, false]);
  });
});

describe("the standalone validators and AJV", () => {
  type Check = (value: unknown) => boolean;
  const both = new Map<string, { standalone: Check; ajv: Check }>();

  beforeAll(async () => {
    const out = path.join(folder, "agree");
    await generate({ file: defaultSpecFile, out });
    const validators = createValidators(contract);
    const filesOf = fileNames(contract);
    for (const { name } of contract.messages) {
      const module = (await import(
        /* @vite-ignore */ pathToFileURL(path.join(out, "validators", `${filesOf.get(name)}.gen.js`)).href
      )) as { default: Check };
      both.set(name, { standalone: module.default, ajv: (value) => validators.of(name)(value).length === 0 });
    }
  });

  test("accept every example", () => {
    for (const { name, examples } of contract.messages) {
      expect(examples.length, name).toBeGreaterThan(0);
      for (const { payload } of examples)
        expect([both.get(name)!.standalone(payload), both.get(name)!.ajv(payload)], name).toEqual([true, true]);
    }
  });

  test("agree on 10 000 values, good and bad", () => {
    const examples = contract.messages.flatMap(({ name, examples }) => examples.map(({ payload }) => ({ name, payload })));
    const counts = { good: 0, bad: 0 };
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: "binary", maxLength: 1100 }),
      fc.constantFrom(
        "",
        "x".repeat(1000),
        "x".repeat(1001),
        "😀".repeat(1000),
        "😀".repeat(1001),
        "\ud800",
        -1,
        0,
        2 ** 53,
        null,
        "2026-02-30T00:00:00.000Z",
        "2026-01-31T23:59:60.000Z",
      ),
    );
    const edit = fc.record({ at: fc.nat(), what: fc.constantFrom("replace", "remove", "add"), value: odd });
    fc.assert(
      fc.property(fc.constantFrom(...examples), fc.array(edit, { maxLength: 2 }), ({ name, payload }, edits) => {
        const value = edits.reduce((before, each) => mutate(before, each), JSON.parse(JSON.stringify(payload)) as unknown);
        const { standalone, ajv } = both.get(name)!;
        const good = ajv(value);
        counts[good ? "good" : "bad"]++;
        return standalone(value) === good;
      }),
      { numRuns: 10_000, seed: 1 },
    );
    expect(counts.good).toBeGreaterThan(1_000);
    expect(counts.bad).toBeGreaterThan(1_000);
  });

  function mutate(value: unknown, { at, what, value: put }: { at: number; what: string; value: unknown }): unknown {
    const places: [parent: Record<string, unknown>, key: string][] = [];
    const collect = (parent: unknown) => {
      if (typeof parent !== "object" || parent === null) return;
      for (const key of Object.keys(parent)) {
        places.push([parent as Record<string, unknown>, key]);
        collect((parent as Record<string, unknown>)[key]);
      }
    };
    collect(value);
    if (places.length === 0) return put;
    const [parent, key] = places[at % places.length]!;
    if (what === "remove") delete parent[key];
    else if (what === "add") parent[`${key}x`] = put;
    else parent[key] = put;
    return value;
  }
});
