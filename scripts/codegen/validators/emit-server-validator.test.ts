// The small validator of the server's messages agrees with AJV on valid messages and on thousands of altered ones.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Contract, JsonSchema } from "../../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { createValidators, type Validators } from "../../../spec/schemas.ts";
import { messagesOf } from "../messages-of.ts";
import { emitServerValidator } from "./emit-server-validator.ts";
import { emitValidators } from "./emit-validators.ts";

let folder: string;
let isServerMessage: (value: unknown) => boolean;
let contract: Contract;
let validators: Validators;
let samples: readonly { readonly name: string; readonly payload: unknown }[];
beforeAll(async () => {
  contract = (await loadContract({ file: defaultSpecFile })).contract!;
  validators = createValidators(contract);
  folder = await mkdtemp(path.join(tmpdir(), "wsproof-validator-"));
  await writeFile(path.join(folder, "package.json"), '{ "type": "module" }');
  const files = emitValidators(contract);
  for (const name of ["runtime.gen.js", "server-messages.gen.js"]) await writeFile(path.join(folder, name), files.get(name)!);
  ({ default: isServerMessage } = await import(pathToFileURL(path.join(folder, "server-messages.gen.js")).href));
  samples = messagesOf(contract, "server", "websocket").flatMap((name) => {
    const { examples } = contract.messages.find((message) => message.name === name)!;
    return examples.map(({ payload }) => ({ name, payload }));
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const isValid = (name: string, value: unknown): boolean => validators.of(name)(value).length === 0;

test("accepts every example of the document", () => {
  expect(new Set(samples.map(({ name }) => name)).size).toBeGreaterThan(10);
  expect(samples.filter(({ payload }) => !isServerMessage(payload))).toEqual([]);
});

/** Values on both sides of most keywords. */
const replacement = fc.oneof(
  fc.jsonValue({ maxDepth: 1 }),
  fc.constantFrom<unknown>(null, "", 0, -1, 0.5, 1e300, "x".repeat(2_000), "\ud800", "2026-02-30T00:00:00.000Z", [], {}, true),
);

/** Sets, adds or deletes one member somewhere in the value. */
function alter(value: unknown, path: number, change: "set" | "add" | "delete", to: unknown): unknown {
  const copy = structuredClone(value);
  const places: { readonly parent: Record<string, unknown>; readonly key: string }[] = [];
  const walk = (parent: unknown) => {
    if (typeof parent !== "object" || parent === null) return;
    for (const [key, child] of Object.entries(parent)) {
      places.push({ parent: parent as Record<string, unknown>, key });
      walk(child);
    }
  };
  walk(copy);
  const { parent, key } = places[path % places.length]!;
  if (change === "delete" && !Array.isArray(parent)) delete parent[key];
  else if (change === "add" && !Array.isArray(parent)) parent.additional = to;
  else parent[key] = to;
  return copy;
}

test("agrees with AJV on altered examples", () => {
  const seen = { valid: 0, invalid: 0 };
  fc.assert(
    fc.property(
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom("set", "add", "delete"), replacement), { minLength: 1, maxLength: 2 }),
      (index, changes) => {
        const { name, payload } = samples[index % samples.length]!;
        const value = changes.reduce((altered, [path, change, to]) => alter(altered, path, change, to), payload);
        // A frame whose tag was altered is another message, or none.
        const tag = (value as { readonly type?: unknown }).type;
        const expected = tag === name ? isValid(name, value) : false;
        if (tag !== name && samples.some((sample) => sample.name === tag)) return;
        seen[expected ? "valid" : "invalid"]++;
        expect(isServerMessage(value), JSON.stringify(value)).toBe(expected);
      },
    ),
    { numRuns: 5_000, seed: 11 },
  );
  expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(100);
});

test.each([
  ["null", null],
  ["a number", 5],
  ["an array", []],
  ["no tag", {}],
  ["a tag that is no string", { type: ["pong"] }],
  ["the name of an inherited property as a tag", { type: "constructor" }],
  ["no payload", { type: "connected", timestamp: "2026-01-31T09:00:00.000Z" }],
  [
    "an unknown member",
    JSON.parse(`{"type":"pong","timestamp":"2026-01-31T09:00:00.000Z","replyTo":"r1","payload":1,"__proto__":1}`),
  ],
])("refuses %s", (_, value) => {
  expect(isServerMessage(value)).toBe(false);
});

test("is not emitted where it would be incomplete", () => {
  const formats = new Set(["date-time"]);
  expect([...emitServerValidator(contract, formats).keys()]).toHaveLength(2);
  expect(emitServerValidator(contract, new Set()).size).toBe(0);
  const withSchema = (payload: JsonSchema): Contract => ({
    ...contract,
    messages: contract.messages.map((message) => (message.name === "pong" ? { ...message, payload } : message)),
  });
  expect(emitServerValidator(withSchema({ not: { type: "null" } }), formats).size).toBe(0);
  expect(emitServerValidator(withSchema({ type: "object" }), formats).size).toBe(2);
});
