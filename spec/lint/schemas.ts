// Schemas: mistyped keywords, formats that nobody checks, and schemas that no value can satisfy.
import type { DocumentPointer, Finding, JsonSchema, Message, Pointer } from "../contract.ts";
import { createDefinitions } from "../definitions.ts";
import { findSlowText, isRegExp } from "../guarded-regexp.ts";
import { nearest } from "../nearest.ts";
import { foreignSchemaFormat, memberPointer } from "../normalise-messages.ts";
import { join, lookup, parent } from "../pointer.ts";
import { isRecord, list, record, strings, text } from "../raw.ts";
import { referencesIn } from "../references.ts";
import { conjuncts, eachSubschema, subschemas } from "../schema-walk.ts";
import { isKnownFormat } from "../schemas.ts";
import { at, resolve, type SourceTree } from "../source-tree.ts";
import { type Check, choices, shorten } from "./check.ts";

/** Draft 07 and AsyncAPI's additions (Schema Object). */
const keywords = new Set(
  `$id $schema $ref $comment title description default readOnly writeOnly examples multipleOf maximum exclusiveMaximum minimum exclusiveMinimum
  maxLength minLength pattern additionalItems items maxItems minItems uniqueItems contains maxProperties minProperties required additionalProperties
  definitions properties patternProperties dependencies propertyNames const enum type format contentMediaType contentEncoding if then else allOf
  anyOf oneOf not discriminator externalDocs deprecated example xml nullable markdownDescription`.split(/\s+/),
);

/** None of these decides what is valid. */
const annotations = new Set(
  "$id $comment title description default readOnly writeOnly examples externalDocs deprecated example xml".split(" "),
);

/** What JSON Schema 2020-12 has besides. */
const newerKeywords = new Set(
  `prefixItems $defs dependentSchemas dependentRequired unevaluatedItems unevaluatedProperties minContains maxContains $anchor
  $dynamicRef $dynamicAnchor $vocabulary contentSchema`.split(/\s+/),
);

interface Root {
  readonly pointer: DocumentPointer;
  readonly draft: Message["draft"];
}

export const checkKeywords: Check = ({ tree, contract }) =>
  schemaRoots(tree, contract).flatMap(({ pointer: root, draft }) => {
    const findings: Finding[] = [];
    eachSubschema(lookup(tree.root, root), (schema, below) => {
      const here = root + below;
      findings.push(
        ...unknownKeywords(tree, schema, here, draft),
        ...unknownFormat(tree, schema, here),
        ...undeclared(tree, schema, here),
        ...notSchemas(tree, schema, here),
        ...besideReference(tree, schema, here),
        ...withoutEffect(tree, schema, here),
      );
    });
    return findings;
  });

/** Where schemas begin: the named ones, and those of messages. Schemas in another language are left out. */
function schemaRoots(tree: SourceTree, contract: Parameters<Check>[0]["contract"]): Root[] {
  const named = Object.keys(record(record(record(tree.root).components).schemas)).map((name) => ({
    pointer: join("#/components/schemas", name),
    draft: "07" as const,
  }));
  const ofMessages = contract.messages.flatMap(({ pointer, draft }) =>
    ["payload", "headers"].flatMap((key) => {
      const at = memberPointer(tree, pointer, key);
      return at === undefined ? [] : [{ pointer: at, draft }];
    }),
  );
  const roots = new Map([...named, ...ofMessages].map((root) => [root.pointer, root]));
  return [...roots.values()]
    .filter(({ pointer }) => foreignSchemaFormat(tree, pointer) === undefined)
    .map((root) => {
      const hasFormat = typeof record(lookup(tree.root, root.pointer)).schemaFormat === "string";
      return hasFormat ? { ...root, pointer: join(root.pointer, "schema") } : root;
    });
}

/** A slip in a keyword changes what is valid; a keyword that is like none of ours is somebody's own. */
function unknownKeywords(
  tree: SourceTree,
  schema: Record<string, unknown>,
  here: DocumentPointer,
  draft: Message["draft"],
): Finding[] {
  return Object.keys(schema)
    .filter(
      (keyword) => !keywords.has(keyword) && !keyword.startsWith("x-") && !(draft === "2020-12" && newerKeywords.has(keyword)),
    )
    .map((keyword) => {
      const meant = nearest(keyword, keywords);
      const newer = newerKeywords.has(keyword);
      const slip = meant !== undefined && (annotations.has(meant) ? "warning" : "error");
      return at(tree, join(here, keyword), {
        severity: slip || (newer ? "warning" : "info"),
        id: "keyword-unknown",
        expected: "a keyword of JSON Schema draft 07",
        actual: keyword,
        fix: newer
          ? "it belongs to draft 2020-12 and is ignored here; give the payload schemaFormat: application/schema+json;version=draft-2020-12"
          : meant === undefined
            ? "No action needed: validators ignore it. Begin it with x- to say that it is your own."
            : `did you mean ${meant}?`,
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
      fix: "No action needed: the format is not checked. A pattern would be.",
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

/** Texts, numbers and lists where a schema must stand. */
function notSchemas(tree: SourceTree, schema: Record<string, unknown>, here: DocumentPointer): Finding[] {
  return subschemas(schema, here)
    .filter(([child]) => !isRecord(child) && typeof child !== "boolean")
    .map(([child, place]) =>
      at(tree, place, {
        severity: "error",
        id: "schema-expected",
        expected: "a schema: an object, true or false",
        actual: JSON.stringify(child) ?? "nothing",
        fix: "write a schema here",
      }),
    );
}

/** Draft 07 ignores the siblings of `$ref`, AJV applies both, and other tools keep only the target. */
function besideReference(tree: SourceTree, schema: Record<string, unknown>, here: DocumentPointer): Finding[] {
  if (typeof schema.$ref !== "string") return [];
  const beside = Object.keys(schema).filter(
    (keyword) => keyword !== "$ref" && !keyword.startsWith("x-") && !annotations.has(keyword),
  );
  if (beside.length === 0) return [];
  return [
    at(tree, join(here, beside[0]!), {
      severity: "warning",
      id: "ref-siblings",
      expected: "a $ref alone",
      actual: `${choices(beside)} beside $ref: ${schema.$ref}`,
      fix: "write allOf: [{ $ref: ... }, { ... }]: both apply here, while other tools ignore the siblings of a $ref",
    }),
  ];
}

/** Keywords that validators ignore as they stand. */
function withoutEffect(tree: SourceTree, schema: Record<string, unknown>, here: DocumentPointer): Finding[] {
  const findings: Finding[] = [];
  if (schema.nullable === true && schema.type === undefined) {
    findings.push(
      at(tree, join(here, "nullable"), {
        severity: "warning",
        id: "nullable-without-type",
        expected: "a type beside nullable, which it widens by null",
        actual: "no type, so that null is not allowed",
        fix: 'write anyOf: [{ ... }, { type: "null" }]',
      }),
    );
  }
  const patterns = [
    ...(typeof schema.pattern === "string" ? [[schema.pattern, join(here, "pattern")] as const] : []),
    ...Object.keys(record(schema.patternProperties)).map((one) => [one, join(here, "patternProperties", one)] as const),
  ];
  for (const [pattern, place] of patterns) findings.push(...ofPattern(tree, pattern, place));
  return findings;
}

function ofPattern(tree: SourceTree, pattern: string, place: DocumentPointer): Finding[] {
  const actual = shorten(pattern);
  if (!isRegExp(pattern)) {
    const expected = "a regular expression (ECMA-262)";
    return [
      at(tree, place, {
        severity: "error",
        id: "pattern-invalid",
        expected,
        actual,
        fix: "correct it; until then it is ignored",
      }),
    ];
  }
  const slow = findSlowText(pattern, "") ?? undefined;
  if (slow === undefined) return [];
  return [
    at(tree, place, {
      severity: slow.growth === "exponential" ? "warning" : "info",
      id: "pattern-slow",
      expected: "a pattern whose time grows with the length of the text",
      actual: `${actual} takes over 250 ms for ${slow.text} (${slow.growth})`,
      fix: "let each character be matched in one way only: no repetition within a repetition, ^ and $ around it",
    }),
  ];
}

/** Schemas that contain themselves at the same place. */
export const checkCycles: Check = ({ tree }) => {
  const definitions = createDefinitions(tree);
  for (const { pointer } of referencesIn(tree.root, "#")) definitions.schemaAt(parent(pointer));
  definitions.all();
  return definitions.cycles().map(({ names, cut }) =>
    at(tree, definitions.pointerOf(names[0]!) ?? "#", {
      severity: cut === "base" ? "info" : "warning",
      id: "schema-contains-itself",
      expected: "a schema that contains itself only below a property or item",
      actual: names.join(" -> "),
      fix:
        cut === "base"
          ? "No action needed: the alternatives are read as extensions of the schema without its alternatives."
          : "remove one of the references; the last one is ignored",
    }),
  );
};

/** Schemas that require themselves below a required property: no finite value satisfies them. */
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
        id: "schema-unsatisfiable",
        expected: "a schema that some finite value satisfies",
        actual: `the schema of ${name} requires itself within itself`,
        fix: "make the property that leads back optional, or allow null there",
      }),
    );
};

/** What AJV reports of whole schemas; unknown keywords have their own finding at their own line. */
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
            ? "No action needed: the pattern is read without the flag u. Remove needless backslashes to make it portable."
            : kind === "not-strict"
              ? "remove the keyword, or add the `type` that it belongs to"
              : "correct the schema; until then every value counts as valid",
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
