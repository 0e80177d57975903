import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Contract, JsonSchema } from "../contract.ts";
import { defaultSpecFile, loadContract } from "../load-contract.ts";
import { eachSubschema } from "../schema-walk.ts";
import { createValidators } from "../schemas.ts";
import { schemaChanges } from "./schema-changes.ts";

const none = new Map<string, JsonSchema>();
const effects = (old: JsonSchema, now: JsonSchema) =>
  schemaChanges(old, none, now, none).map(({ pointer, keyword, effect }) => `${pointer} ${keyword} ${effect}`);

describe("a change of a schema", () => {
  it.each<[string, JsonSchema, JsonSchema, string[]]>([
    ["a lower maximum", { maximum: 5 }, { maximum: 4 }, [" maximum narrows"]],
    ["a bound more", {}, { minLength: 1 }, [" minLength narrows"]],
    ["a bound less", { minItems: 1 }, {}, [" minItems widens"]],
    ["a value more", { enum: ["a"] }, { enum: ["a", "b"] }, [" enum widens"]],
    ["another value", { const: "a" }, { const: "b" }, [" const unclear"]],
    ["integer to number", { type: "integer" }, { type: "number" }, [" type widens"]],
    ["null allowed", { type: "string" }, { type: ["string", "null"] }, [" type widens"]],
    ["required", { properties: { a: {} } }, { properties: { a: {} }, required: ["a"] }, ["/a required narrows"]],
    [
      "an optional property more",
      { additionalProperties: false },
      { additionalProperties: false, properties: { a: {} } },
      ["/a false widens"],
    ],
    ["an optional property more in an open object", {}, { properties: { a: { type: "string" } } }, ["/a type narrows"]],
    ["a property that may be anything, as before", {}, { properties: { a: true } }, []],
    ["a closed object", {}, { additionalProperties: false }, ["/* false narrows"]],
    ["another pattern", { pattern: "a" }, { pattern: "b" }, [" pattern unclear"]],
    ["a branch more", { anyOf: [{ type: "string" }] }, { anyOf: [{ type: "string" }, { type: "null" }] }, [" false widens"]],
    ["a condition more", { allOf: [] }, { allOf: [{ maxLength: 3 }] }, [" maxLength narrows"]],
    ["words", { description: "a" }, { title: "b", examples: [1] }, []],
  ])("%s", (_, old, now, expected) => expect(effects(old, now)).toEqual(expected));

  it("is seen through references, and recursion ends", () => {
    const tree = (leaf: JsonSchema) =>
      new Map<string, JsonSchema>([["T", { properties: { leaf, next: { $ref: "#/definitions/T" } } }]]);
    const root = { $ref: "#/definitions/T" };
    expect(schemaChanges(root, tree({ maximum: 2 }), root, tree({ maximum: 1 }))).toMatchObject([
      { pointer: "/leaf", effect: "narrows" },
    ]);
  });
});

describe("what diff calls compatible", async () => {
  const { contract: ours } = await loadContract({ file: defaultSpecFile });

  /** Small edits of one keyword in one schema, of the kinds that people make; undefined removes the keyword. */
  const edits: ((schema: Record<string, unknown>, pick: number) => Record<string, unknown>)[] = [
    ({ additionalProperties }) => ({ additionalProperties: additionalProperties === false }),
    ({ required }, pick) => ({ required: (required as string[] | undefined)?.filter((_, index) => index !== pick % 3) }),
    ({ properties }) => ({ required: Object.keys((properties as object | undefined) ?? {}) }),
    (_, pick) => ({ maxLength: pick }),
    (_, pick) => ({ minLength: pick % 4 }),
    (_, pick) => ({ maximum: pick }),
    (_, pick) => ({ minimum: pick % 4 }),
    (_, pick) => ({ type: ["string", "number", "object", ["string", "null"], ["object", "string", "integer"]][pick % 5] }),
    () => ({ type: undefined }),
    () => ({ pattern: undefined }),
    () => ({ const: undefined }),
    () => ({ format: undefined }),
    (_, pick) => ({ enum: ["leave", "chat", "a", 1, null].slice(pick % 5) }),
    ({ properties }, pick) => ({ properties: { ...(properties as object), extra: pick % 2 === 0 ? true : { type: "string" } } }),
    () => ({ anyOf: [{ type: "string" }, { required: ["room"] }] }),
    () => ({ allOf: [{ minLength: 2 }] }),
    (_, pick) => ({ maxItems: pick % 3 }),
    () => ({ dependencies: undefined }),
  ];
  const edit = (schema: Record<string, unknown>, which: number, pick: number) => {
    for (const [keyword, value] of Object.entries(edits[which % edits.length]!(schema, pick))) {
      if (value === undefined) delete schema[keyword];
      else schema[keyword] = value;
    }
  };
  const edited = (contract: Contract, changes: readonly (readonly [number, number, number])[]): Contract => {
    const copy = structuredClone({ definitions: contract.definitions, messages: contract.messages });
    const all: Record<string, unknown>[] = [];
    for (const root of [...copy.messages.map(({ payload }) => payload), ...copy.definitions.values()]) {
      eachSubschema(root, (schema) => all.push(schema));
    }
    for (const [where, which, pick] of changes) edit(all[where % all.length]!, which, pick);
    return { ...contract, ...copy };
  };

  /** An example with one place replaced, removed or added. */
  const tampered = (value: unknown, where: number, by: unknown): unknown => {
    const places: { holder: Record<string, unknown>; key: string }[] = [];
    const copy = structuredClone({ value }) as Record<string, unknown>;
    const walk = (holder: Record<string, unknown>) => {
      for (const key of Object.keys(holder)) {
        places.push({ holder, key });
        if (typeof holder[key] === "object" && holder[key] !== null) walk(holder[key] as Record<string, unknown>);
      }
      if (!Array.isArray(holder)) places.push({ holder, key: "extra" }, { holder, key: "room" });
    };
    walk(copy);
    const { holder, key } = places[where % places.length]!;
    if (by === undefined) delete holder[key];
    else holder[key] = by;
    return copy.value;
  };

  it("is accepted by the old validators where nothing widens, and by the new ones where nothing narrows", () => {
    const reached = { notWider: 0, notNarrower: 0, told: 0 };
    const replacement = fc.option(
      fc.oneof(fc.string({ maxLength: 6 }), fc.integer({ min: -1, max: 12 }), fc.constantFrom(null, true, {}, [], ["a"])),
      {
        nil: undefined,
      },
    );
    const position = fc.nat({ max: 400 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(position, position, fc.nat({ max: 9 })), { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(position, replacement), { minLength: 12, maxLength: 12 }),
        (changes, tampering) => {
          const now = edited(ours!, changes);
          const [before, after] = [
            createValidators({ ...ours!, errors: undefined }),
            createValidators({ ...now, errors: undefined }),
          ];
          expect(after.problems().filter(({ kind }) => kind === "unusable")).toEqual([]);
          for (const [index, message] of now.messages.entries()) {
            const old = ours!.messages[index]!;
            const found = schemaChanges(old.payload, ours!.definitions, message.payload, now.definitions);
            if (found.length === 0) continue;
            const narrower = found.some(({ effect }) => effect !== "widens");
            const wider = found.some(({ effect }) => effect !== "narrows");
            const values = old.examples.flatMap(({ payload }) => [
              payload,
              ...tampering.map(([where, by]) => tampered(payload, where, by)),
            ]);
            for (const value of values) {
              const was = before.of(message.name)(value).length === 0;
              const is = after.of(message.name)(value).length === 0;
              if (was !== is) reached.told += 1;
              if (!wider && is) {
                reached.notWider += 1;
                expect(was, JSON.stringify({ found, value })).toBe(true);
              }
              if (!narrower && was) {
                reached.notNarrower += 1;
                expect(is, JSON.stringify({ found, value })).toBe(true);
              }
            }
          }
        },
      ),
      { numRuns: 120 },
    );
    // Or the property would have said nothing.
    for (const count of Object.values(reached)) expect(count).toBeGreaterThan(10);
  });
});
