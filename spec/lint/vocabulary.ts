// The x- keys against vocabulary.schema.json, and keys that look like one of them but are none.
import { readFileSync } from "node:fs";
import type { ErrorObject, ValidateFunction } from "ajv";
import type { DocumentPointer, Finding } from "../contract.ts";
import { nearest } from "../nearest.ts";
import { canonical, join, lookup } from "../pointer.ts";
import { list, record } from "../raw.ts";
import { isUnreadable, valueForms } from "../read-value.ts";
import { createAjv } from "../schemas.ts";
import { at, type FindingText, resolve, type SourceTree } from "../source-tree.ts";
import { type Check, choices, correction, shorten } from "./check.ts";

let compiled: ValidateFunction | undefined;

function vocabulary(): ValidateFunction {
  compiled ??= createAjv(false, { verbose: true }).compile(
    JSON.parse(readFileSync(new URL("../vocabulary.schema.json", import.meta.url), "utf8")),
  );
  return compiled;
}

export const checkVocabulary: Check = ({ tree }) => {
  const validate = vocabulary();
  validate(tree.root);
  return list(validate.errors).flatMap((error) => {
    const found = explain(error as ErrorObject);
    if (found === undefined) return [];
    const pointer = `#${(error as ErrorObject).instancePath}`;
    // A surplus key is shown where it stands; a missing one where it ought to.
    const place = found.key === undefined ? pointer : join(pointer, found.key);
    return [at(tree, place, { severity: "error", ...found.text })];
  });
};

/** AJV reports every branch that it tried; only what an author can act upon is kept. */
function explain(error: ErrorObject): { key?: string; text: Omit<FindingText, "severity"> } | undefined {
  const { keyword, params, data, parentSchema, propertyName } = error;
  const allowed = Object.keys(record(parentSchema?.properties));
  const name = error.instancePath.split("/").at(-1) ?? "";
  switch (keyword) {
    case "additionalProperties": {
      const key = String(params.additionalProperty);
      return { key, text: unknownKey(key, allowed) };
    }
    case "propertyNames": {
      const key = String(params.propertyName);
      const names = list(record(record(parentSchema).propertyNames).enum).map(String);
      if (names.length > 0) return { key, text: unknownKey(key, names) };
      const expected = "a JSON Pointer into the message, such as /payload/room";
      return { key, text: { id: "vocabulary-value", expected, actual: key, fix: "begin the key with /" } };
    }
    case "required":
      if (/\/(anyOf|oneOf)\//.test(error.schemaPath) || /\/if$/.test(error.schemaPath)) return undefined;
      return {
        text: {
          id: "vocabulary-key-missing",
          expected: `a key ${params.missingProperty}`,
          actual: `only ${choices(Object.keys(record(data)), "no key at all")}`,
          fix: `add ${params.missingProperty}: ${record(record(record(parentSchema).properties)[String(params.missingProperty)]).description ?? "its value"}`,
        },
      };
    case "anyOf":
    case "oneOf": {
      const kinds = list(error.schema).map((branch) => list(record(branch).required).join(" and "));
      return {
        text: {
          id: "vocabulary-key-missing",
          expected: `${keyword === "oneOf" ? "exactly " : ""}one of the keys ${kinds.join(", ")}`,
          actual: choices(Object.keys(record(data)), "no key at all"),
          fix: correction(Object.keys(record(data))[0] ?? "", kinds, "say which kind it is by one of these keys"),
        },
      };
    }
    case "if":
    case "then":
      return undefined;
    default:
      // What propertyNames found is reported by its own error.
      if (propertyName !== undefined) return undefined;
      return {
        text: {
          id: "vocabulary-value",
          expected: `${name}: ${expectedBy(error)}`,
          actual: short(data),
          fix: String(parentSchema?.description ?? "give a value of that kind"),
        },
      };
  }
}

function unknownKey(key: string, allowed: readonly string[]): Omit<FindingText, "severity"> {
  return {
    id: "vocabulary-key-unknown",
    expected: `one of the keys ${choices(allowed)}`,
    actual: key,
    fix: correction(key, allowed, "remove the key, or choose one of these"),
  };
}

function expectedBy({ keyword, params, message }: ErrorObject): string {
  if (keyword === "enum") return `one of ${list(params.allowedValues).join(", ")}`;
  if (keyword === "type") return `${Array.isArray(params.type) ? params.type.join(" or ") : params.type}`;
  return (message ?? keyword).replace(/^must be /, "");
}

function short(value: unknown): string {
  return shorten(JSON.stringify(value) ?? "nothing");
}

const keysOf = {
  root: ["x-perspective", "x-state", "x-errors"],
  channel: ["x-handshake", "x-heartbeat", "x-limits", "x-rate-limits", "x-close-codes", "x-delivery", "x-batch", "x-endpoint"],
  operation: ["x-requires", "x-effects", "x-reply", "x-exercise", "x-with"],
} as const;

/** x- keys of others are none of our business, but `x-close-code` is one of ours with a slip in it, and x-effects on a channel is lost. */
export const checkKeySpelling: Check = ({ tree }) => {
  const look = (value: unknown, pointer: DocumentPointer, here: keyof typeof keysOf): Finding[] =>
    Object.keys(record(value)).flatMap((key) => {
      if (!key.startsWith("x-") || (keysOf[here] as readonly string[]).includes(key)) return [];
      const elsewhere = Object.entries(keysOf).find(([, keys]) => (keys as readonly string[]).includes(key))?.[0];
      const meant = nearest(key, keysOf[here]);
      if (elsewhere === undefined && meant === undefined) return [];
      return [
        at(tree, join(pointer, key), {
          severity: "error",
          id: "vocabulary-key-misplaced",
          expected: `at the ${here}, one of ${choices(keysOf[here])}`,
          actual: key,
          fix: elsewhere === undefined ? `did you mean ${meant}?` : `${key} belongs to the ${elsewhere}`,
        }),
      ];
    });
  const each = (group: string, here: keyof typeof keysOf) =>
    Object.entries(record(lookup(tree.root, group))).flatMap(([key, value]) => look(value, join(group, key), here));
  return [...look(tree.root, "#", "root"), ...each("#/channels", "channel"), ...each("#/operations", "operation")];
};

/** Strings that begin with `$` and mean nothing. */
export const checkValues: Check = ({ tree, contract }) => {
  const roots = [
    "#/x-state",
    ...contract.operations.flatMap(({ pointer }) => ["x-requires", "x-effects", "x-with"].map((key) => join(pointer, key))),
  ];
  return roots.flatMap((root) => unreadable(tree, resolve(tree, root)?.value, canonical(root)));
};

function unreadable(tree: SourceTree, value: unknown, pointer: DocumentPointer): Finding[] {
  if (isUnreadable(value)) {
    const finding = {
      severity: "error",
      id: "value-unreadable",
      expected: `a literal, or one of ${valueForms}`,
      actual: String(value),
      fix: "correct the spelling; write $$ for a literal $",
    } as const;
    return [at(tree, pointer, finding)];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => unreadable(tree, child, join(pointer, key)));
}
