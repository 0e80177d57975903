// Schemas: mistyped keywords, formats that nobody checks, and schemas that no value can satisfy.
import type { DocumentPointer, Finding, JsonSchema, Pointer } from "../contract.ts";
import { nearest } from "../nearest.ts";
import { memberPointer } from "../normalise-messages.ts";
import { join, lookup } from "../pointer.ts";
import { isRecord, list, record, strings, text } from "../raw.ts";
import { conjuncts, eachSubschema } from "../schema-walk.ts";
import { isKnownFormat } from "../schemas.ts";
import { at, resolve, type SourceTree } from "../source-tree.ts";
import { type Check, choices } from "./check.ts";

/** Draft 07 and AsyncAPI's additions (Schema Object). */
const keywords = new Set(
  `$id $schema $ref $comment title description default readOnly writeOnly examples multipleOf maximum exclusiveMaximum minimum exclusiveMinimum
  maxLength minLength pattern additionalItems items maxItems minItems uniqueItems contains maxProperties minProperties required additionalProperties
  definitions properties patternProperties dependencies propertyNames const enum type format contentMediaType contentEncoding if then else allOf
  anyOf oneOf not discriminator externalDocs deprecated example xml nullable markdownDescription`.split(/\s+/),
);

export const checkKeywords: Check = ({ tree, contract }) =>
  schemaRoots(tree, contract).flatMap((root) => {
    const findings: Finding[] = [];
    eachSubschema(lookup(tree.root, root), (schema, below) => {
      const here = root + below;
      findings.push(
        ...unknownKeywords(tree, schema, here),
        ...unknownFormat(tree, schema, here),
        ...undeclared(tree, schema, here),
      );
    });
    return findings;
  });

/** Where schemas begin: the named ones, and those of messages. */
function schemaRoots(tree: SourceTree, contract: Parameters<Check>[0]["contract"]): DocumentPointer[] {
  const named = Object.keys(record(record(record(tree.root).components).schemas)).map((name) =>
    join("#/components/schemas", name),
  );
  const ofMessages = contract.messages.flatMap(({ pointer }) =>
    ["payload", "headers"].flatMap((key) => memberPointer(tree, pointer, key) ?? []),
  );
  return [...new Set([...named, ...ofMessages])].map((root) =>
    isRecord(lookup(tree.root, root)) && typeof record(lookup(tree.root, root)).schemaFormat === "string"
      ? join(root, "schema")
      : root,
  );
}

function unknownKeywords(tree: SourceTree, schema: Record<string, unknown>, here: DocumentPointer): Finding[] {
  return Object.keys(schema)
    .filter((keyword) => !keywords.has(keyword) && !keyword.startsWith("x-"))
    .map((keyword) => {
      const meant = nearest(keyword, keywords);
      return at(tree, join(here, keyword), {
        severity: "error",
        id: "keyword-unknown",
        expected: "a keyword of JSON Schema draft 07",
        actual: keyword,
        fix: meant === undefined ? "remove it, or begin it with x-: validators pass over it" : `did you mean ${meant}?`,
      });
    });
}

function unknownFormat(tree: SourceTree, schema: Record<string, unknown>, here: DocumentPointer): Finding[] {
  const format = text(schema.format);
  if (format === undefined || isKnownFormat(format)) return [];
  return [
    at(tree, join(here, "format"), {
      severity: "info",
      id: "format-unknown",
      expected: "a format of JSON Schema draft 07 or OpenAPI",
      actual: format,
      fix: "nothing needs to be done; what the format means is not checked. A pattern would be",
    }),
  ];
}

/** A required property that the schema itself forbids. */
function undeclared(tree: SourceTree, schema: Record<string, unknown>, here: DocumentPointer): Finding[] {
  if (schema.additionalProperties !== false || schema.patternProperties !== undefined) return [];
  const declared = Object.keys(record(schema.properties));
  return strings(schema.required)
    .filter((name) => !declared.includes(name))
    .map((name) =>
      at(tree, join(here, "required", list(schema.required).indexOf(name)), {
        severity: "error",
        id: "required-forbidden",
        expected: `one of the properties ${choices(declared)}`,
        actual: `${name}, which additionalProperties: false forbids`,
        fix: nearest(name, declared) === undefined ? `add ${name} to properties` : `did you mean ${nearest(name, declared)}?`,
      }),
    );
}

/** Schemas that hold themselves in a required place: no finite value satisfies them. */
export const checkSatisfiable: Check = ({ tree, contract }) => {
  const cyclic = (schema: JsonSchema, open: ReadonlySet<unknown>): boolean => {
    const parts = conjuncts(schema, contract.definitions);
    if (parts.some((part) => open.has(part))) return true;
    const deeper = new Set([...open, ...parts]);
    return parts.some((part) => {
      const required = new Set(list(part.required));
      const needed = Object.entries(record(part.properties)).filter(([name]) => required.has(name) && mustBe(part, "object"));
      const items = typeof part.minItems === "number" && part.minItems > 0 && mustBe(part, "array") ? [part.items] : [];
      return [...needed.map(([, child]) => child), ...items].some((child) => isRecord(child) && cyclic(child, deeper));
    });
  };
  const mustBe = (part: Record<string, unknown>, type: string) => part.type === type;
  return contract.messages
    .filter(({ payload }) => cyclic(payload, new Set()))
    .map(({ name, pointer }) =>
      at(tree, memberPointer(tree, pointer, "payload") ?? pointer, {
        severity: "error",
        blocking: true,
        id: "schema-unsatisfiable",
        expected: "a schema that some finite value satisfies",
        actual: `the schema of ${name} requires itself within itself`,
        fix: "make the property that leads back optional, or allow null there",
      }),
    );
};

/** What AJV says of the schemas as a whole; unknown keywords have a finding of their own, with their place. */
export const checkCompiled: Check = ({ tree, validators }) =>
  validators
    .problems()
    .filter(({ text: reason }) => !reason.startsWith("strict mode: unknown keyword"))
    .map(({ kind, pointer, message, text: reason }) =>
      at(tree, locate(tree, pointer, reason), {
        severity: kind === "not-unicode" ? "info" : "error",
        id: `schema-${kind}`,
        expected: `a schema of ${message} that ${kind === "not-strict" ? "has no keyword without effect" : "AJV can use as it stands"}`,
        actual: reason,
        fix:
          kind === "not-unicode"
            ? "nothing needs to be done; the pattern is read without the flag u. Remove needless backslashes from it"
            : kind === "not-strict"
              ? "remove the keyword, or add the `type` that it belongs to"
              : "fix the schema; until then every value counts as valid",
      }),
    );

/** Where AJV names a pattern, the place of that pattern; else the message's payload. */
function locate(tree: SourceTree, message: DocumentPointer, reason: string): DocumentPointer {
  const payload = resolve(tree, join(message, "payload"));
  let place: Pointer | undefined;
  eachSubschema(payload?.value, (schema, below) => {
    if (typeof schema.pattern === "string" && reason.includes(schema.pattern)) place ??= `${payload?.pointer}${below}/pattern`;
  });
  return place ?? memberPointer(tree, message, "payload") ?? message;
}
