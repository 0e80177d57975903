// What a validator accepts fits the type: random schemas over all of draft 07, with references, judged by tsc --strict in one batch.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { Contract, JsonSchema, Message } from "../../../spec/contract.ts";
import { createValidators } from "../../../spec/schemas.ts";
import { projectRoot } from "../../tracked-sources.ts";
import { emitTypes } from "./emit-types.ts";
import { typeNames } from "./type-names.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-agreement-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** More of them: `AGREEMENT_DOCUMENTS=1000 AGREEMENT_SEED=7 npx vitest run agreement`. */
const documents = Number(process.env.AGREEMENT_DOCUMENTS ?? 60);
const seed = Number(process.env.AGREEMENT_SEED ?? 1);

// Names that every object inherits have tests of their own: tsc mixes them up in unions with scalars.
const names = ["a", "b", "ab", "x-y", "__proto__", "日本", "new"];
const definitionNames = ["D0", "D1", "D2", "D3"];
const name = fc.constantFrom(...names);
const scalar = fc.constantFrom<unknown>(null, true, false, 0, 1, -2.5, 1e21, "", "a", "ab", "*/ `$" + "{x}`", "require('fs')");
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(name, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;
const type = fc.constantFrom("null", "boolean", "integer", "number", "string", "array", "object");
const count = fc.constantFrom(0, 1, 2, 3, 1000);

const schema = fc.letrec<{ schema: JsonSchema; node: JsonSchema }>((tie) => {
  const nested = tie("schema");
  const few = fc.array(nested, { minLength: 1, maxLength: 3 });
  const map = (keys: fc.Arbitrary<string>) => fc.dictionary(keys, nested, { maxKeys: 3, noNullPrototype: true });
  const keywords: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })),
    const: value,
    enum: fc.uniqueArray(value, { minLength: 1, maxLength: 4, selector: (each) => JSON.stringify(each) }),
    properties: map(name),
    required: fc.uniqueArray(name, { maxLength: 2 }),
    additionalProperties: nested,
    patternProperties: map(fc.constantFrom("^a", "x", ".")),
    propertyNames: fc.constant({ maxLength: 3 }),
    dependencies: fc.constant({ a: ["b"] }),
    minProperties: fc.constantFrom(0, 1),
    items: fc.oneof(nested, few),
    additionalItems: nested,
    minItems: count,
    maxItems: count,
    contains: fc.constant({ type: "string" }),
    uniqueItems: fc.boolean(),
    allOf: few,
    anyOf: few,
    oneOf: few,
    not: fc.constant({ const: "never" }),
    if: nested,
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: nested,
    else: nested,
    $ref: fc.constantFrom(...definitionNames).map((each) => `#/definitions/${each}`),
    nullable: fc.constant(true),
    minimum: fc.constant(-5),
    maxLength: fc.constant(30),
    description: fc.constant("ends */ here\n`$" + "{x}`"),
  };
  return {
    schema: fc.oneof(
      { depthSize: "medium", maxDepth: 3 },
      { weight: 1, arbitrary: fc.boolean() },
      { weight: 2, arbitrary: fc.constantFrom(...definitionNames).map((each) => ({ $ref: `#/definitions/${each}` })) },
      { weight: 3, arbitrary: fc.record({ type }) },
      { weight: 8, arbitrary: tie("node") },
    ),
    // Few keywords at a time: with all of them nothing is ever accepted. AJV wants a type beside `nullable`.
    node: fc
      .subarray(Object.keys(keywords), { minLength: 1, maxLength: 4 })
      .map((keys) => (keys.includes("nullable") && !keys.includes("type") ? [...keys, "type"] : keys))
      .chain((keys) => fc.record(Object.fromEntries(keys.map((key) => [key, keywords[key]!])))),
  };
}).schema;

const message = (payload: JsonSchema, index: number): Message => ({
  ...{ name: `m${index}`, pointer: "#", summary: "", description: "", contentType: "application/json", format: "json" },
  ...{ headers: undefined, correlation: undefined, tag: undefined, httpStatus: undefined, examples: [], draft: "07", payload },
});

function contractOf(payloads: readonly JsonSchema[], definitions: readonly JsonSchema[]): Contract {
  return {
    ...{ title: "t", version: "1", description: "", file: "t.yaml", asyncapi: "3.0.0", perspective: "server", servers: [] },
    ...{ channels: [], operations: [], state: { attributes: [], relations: [] }, errors: undefined },
    messages: payloads.map(message),
    definitions: new Map(definitionNames.map((each, index) => [each, definitions[index] ?? true])),
  } as unknown as Contract;
}

const document = fc
  .tuple(fc.array(schema, { minLength: 3, maxLength: 3 }), fc.array(schema, { minLength: 4, maxLength: 4 }))
  .map(([payloads, definitions]) => contractOf(payloads, definitions));

/** A value that the schema is likely to accept. */
function sample(node: unknown, definitions: ReadonlyMap<string, unknown>, random: () => number, depth = 0): unknown {
  const anything = [null, true, 1, "a", [], {}][Math.floor(random() * 6)];
  if (typeof node !== "object" || node === null || depth > 6) return anything;
  const part = node as Record<string, unknown>;
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const inner = (child: unknown) => sample(child, definitions, random, depth + 1);
  if ("const" in part) return part.const;
  if (Array.isArray(part.enum)) return one(part.enum);
  for (const keyword of ["anyOf", "oneOf", "allOf"]) {
    if (Array.isArray(part[keyword]) && random() < 0.7) return inner(one(part[keyword]));
  }
  if (typeof part.$ref === "string" && random() < 0.8) return inner(definitions.get(part.$ref.slice("#/definitions/".length)));
  const kind = part.type ?? (part.items !== undefined ? "array" : part.properties || part.required ? "object" : undefined);
  switch (Array.isArray(kind) ? one(kind) : kind) {
    case "object": {
      const entries = Object.entries((part.properties ?? {}) as object).filter(() => random() < 0.6);
      const needed = ((part.required ?? []) as string[]).map((each) => [
        each,
        inner((part.properties as Record<string, unknown> | undefined)?.[each]),
      ]);
      const more = random() < 0.4 ? [[one(names), inner(part.additionalProperties)]] : [];
      return Object.fromEntries([...more, ...needed, ...entries.map(([key, child]) => [key, inner(child)])]);
    }
    case "array": {
      const length = Math.min(Number(part.minItems ?? 0) + Math.floor(random() * 3), 5);
      return Array.from({ length }, (_, index) =>
        inner(Array.isArray(part.items) ? (part.items[index] ?? part.additionalItems) : part.items),
      );
    }
    case "null":
      return null;
    case "boolean":
      return random() < 0.5;
    case "integer":
    case "number":
      return Math.floor(random() * 9);
    case "string":
      return "ab";
  }
  return anything;
}

/** The declarations of a document, and one constant for each value that a validator accepts. */
async function programOf(contract: Contract, random: () => number, others: readonly unknown[], emit = emitTypes) {
  const validators = createValidators(contract);
  const types = typeNames(contract).messages;
  const unusable = new Set(validators.problems().flatMap(({ kind, message: each }) => (kind === "unusable" ? [each] : [])));
  const accepted: string[] = [];
  const lines: string[] = [];
  for (const { name: each, payload } of contract.messages) {
    if (unusable.has(each)) continue;
    const candidates = [...Array.from({ length: 25 }, () => sample(payload, contract.definitions, random)), ...others];
    const texts = new Set(candidates.map((candidate) => JSON.stringify(candidate)).filter((text) => text.length < 4_000));
    for (const text of texts) {
      if (!accepts(() => validators.of(each)(JSON.parse(text)))) continue;
      lines.push(`const v${accepted.length}: ${types.get(each)} = ${text};`);
      accepted.push(`${text} of ${JSON.stringify({ payload, definitions: Object.fromEntries(contract.definitions) })}`);
    }
  }
  return { text: `${await emit(contract)}\n${lines.join("\n")}\nexport {};\n`, accepted };
}

/** A schema that applies itself to the same value has no end: AJV runs out of stack. */
function accepts(check: () => readonly unknown[]): boolean {
  try {
    return check().length === 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function compile(files: readonly string[]): string {
  const options = "--ignoreConfig --strict --exactOptionalPropertyTypes --noEmit --module nodenext --target es2023 --types".split(
    " ",
  );
  try {
    execFileSync(process.execPath, [path.join(projectRoot, "node_modules/typescript/bin/tsc"), ...options, "", ...files], {
      encoding: "utf8",
      cwd: folder,
      maxBuffer: 1 << 26,
    });
    return "";
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout);
  }
}

/** What tsc says of the programs, each with the value and the schema that it is about. */
function disagreements(programs: readonly Awaited<ReturnType<typeof programOf>>[], below: string): string[] {
  mkdirSync(path.join(folder, below), { recursive: true });
  const files = programs.map(({ text }, index) => {
    const file = path.join(below, `d${index}.ts`);
    writeFileSync(path.join(folder, file), text);
    return file;
  });
  return compile(files)
    .split("\n")
    .filter((line) => /\.ts\(/.test(line))
    .map((line) => {
      const [, file, row] = /d(\d+)\.ts\((\d+)/.exec(line)!;
      const { text, accepted } = programs[Number(file)]!;
      const constant = /^const v(\d+)/.exec(text.split("\n")[Number(row) - 1]!)?.[1];
      return constant === undefined ? `${line}\n${text.split("\n")[Number(row) - 1]}` : `${line}\n${accepted[Number(constant)]}`;
    });
}

describe("types of random schemas", () => {
  test("compile, and take every value that the validator accepts", { timeout: 600_000 }, async () => {
    let state = seed;
    const random = () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state / 2 ** 31;
    };
    const others = fc.sample(value, { numRuns: 15, seed });
    const programs: Awaited<ReturnType<typeof programOf>>[] = [];
    for (const contract of fc.sample(document, { numRuns: documents, seed }))
      programs.push(await programOf(contract, random, others));
    const count = programs.reduce((sum, { accepted }) => sum + accepted.length, 0);
    expect(count).toBeGreaterThan(documents * 10);
    expect(disagreements(programs, "all").slice(0, 5).join("\n\n")).toBe("");
  });

  test("are found wanting where an emitter narrows them or closes a tuple", { timeout: 600_000 }, async () => {
    const contract = contractOf([{ type: ["string", "null"] }, { type: "array", items: [{ type: "string" }] }], []);
    const narrow = async (given: Contract) =>
      (await emitTypes(given))
        .replace("string | null", "string")
        .replace(/^export type M1 = .*;$/m, "export type M1 = [string];");
    const values = ["a", null, ["a", 1]];
    const programs = [await programOf(contract, () => 0.5, values), await programOf(contract, () => 0.5, values, narrow)];
    const found = disagreements(programs, "planted");
    expect(found.filter((line) => line.includes("d0.ts"))).toEqual([]);
    expect(found.some((line) => line.includes("\nnull of "))).toBe(true);
    expect(found.some((line) => line.includes('\n["a",1] of '))).toBe(true);
  });
});
