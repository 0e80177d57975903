import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonSchema } from "../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { sampleDefinitions, sampleSchemas, unsatisfiableSchemas } from "../comparison/sample-schemas.ts";
import { type Arbitraries, createArbitraries, UnsatisfiableSchema } from "./arbitrary.ts";
import { createSchemaValidator } from "./schema-validator.ts";

const seed = 42;

function setUp(definitions: ReadonlyMap<string, JsonSchema>) {
  const { compile } = createSchemaValidator(definitions);
  return { compile, arbitraries: createArbitraries(definitions, compile) };
}

/** Values that AJV refuses after a JSON round trip, or that the trip changes. */
function wrongOnes(
  schema: JsonSchema,
  { compile, arbitraries }: { compile: ReturnType<typeof setUp>["compile"]; arbitraries: Arbitraries },
) {
  const isValid = compile(schema);
  const values = fc.sample(arbitraries.of(schema, "#"), { numRuns: 300, seed });
  expect(values).toHaveLength(300);
  return values.filter((value) => {
    const back = JSON.parse(JSON.stringify(value)) as unknown;
    return !isValid(back) || !isPlain(value) || JSON.stringify(back) !== JSON.stringify(value);
  });
}

const isWellFormed = (text: string) => !/\p{Surrogate}/u.test(text);

/** No -0, no null prototype, no undefined, no lone surrogate. */
function isPlain(value: unknown): boolean {
  if (typeof value === "string") return isWellFormed(value);
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value !== "object" || value === null) return value !== undefined;
  return (
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.entries(value).every(([name, inner]) => isWellFormed(name) && isPlain(inner))
  );
}

describe("values of a schema keep it", () => {
  const tools = setUp(sampleDefinitions);
  it.each(Object.entries(sampleSchemas))("%s", (_name, schema) => {
    expect(wrongOnes(schema, tools)).toEqual([]);
  });
});

describe("values of our own messages keep their schema", async () => {
  const { contract } = await loadContract({ file: defaultSpecFile });
  const tools = setUp(contract!.definitions);
  it.each(contract!.messages.map((message) => [message.name, message.payload] as const))("%s", (_name, payload) => {
    expect(wrongOnes(payload, tools)).toEqual([]);
  });
});

describe("a schema that no value keeps is refused with its pointer", () => {
  const endless: JsonSchema = { type: "object", required: ["more"], properties: { more: { $ref: "#/definitions/Endless" } } };
  const { arbitraries } = setUp(new Map([["Endless", endless]]));
  it.each(Object.entries(unsatisfiableSchemas))("%s", (_name, { schema, pointer }) => {
    const draw = () => fc.sample(arbitraries.of(schema, "#"), { numRuns: 10, seed });
    expect(draw).toThrow(UnsatisfiableSchema);
    try {
      draw();
    } catch (error) {
      expect((error as UnsatisfiableSchema).pointer).toBe(pointer);
      expect((error as UnsatisfiableSchema).message).toContain(pointer);
    }
  });
});

describe("variety", () => {
  const { arbitraries } = setUp(sampleDefinitions);
  const draw = (schema: JsonSchema, numRuns = 500) => fc.sample(arbitraries.of(schema, "#"), { numRuns, seed });

  it("optional members are sometimes there and sometimes not", () => {
    const values = draw(sampleSchemas.closed!) as { b?: string }[];
    expect(values.filter((value) => "b" in value).length).toBeGreaterThan(50);
    expect(values.filter((value) => !("b" in value)).length).toBeGreaterThan(50);
  });

  it("all branches of a oneOf are taken", () => {
    expect(new Set((draw(sampleSchemas["oneOf tagged"]!) as { kind: string }[]).map(({ kind }) => kind))).toEqual(
      new Set(["circle", "square"]),
    );
  });

  it("recursion goes deeper than one level, and ends", () => {
    const depth = (value: unknown): number =>
      typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
    const depths = draw({ $ref: "#/definitions/Tree" }).map(depth);
    expect(Math.max(...depths)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...depths)).toBeLessThan(12);
  });

  it("strings hold characters outside the basic plane", () => {
    expect((draw({ type: "string" }) as string[]).some((text) => [...text].length < text.length)).toBe(true);
  });

  it("a failure shrinks to the least value of its schema", () => {
    const outcome = fc.check(
      fc.property(arbitraries.of(sampleSchemas["integer bounds"]!, "#"), (value) => (value as number) < 2),
      { seed },
    );
    expect(outcome.counterexample).toEqual([2]);
  });

  it("the same seed gives the same values", () => {
    const again = setUp(sampleDefinitions).arbitraries;
    for (const schema of Object.values(sampleSchemas)) {
      expect(fc.sample(again.of(schema, "#"), { numRuns: 5, seed })).toEqual(draw(schema, 5));
    }
  });
});
