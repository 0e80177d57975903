// The document against AsyncAPI's own JSON Schema of its version, by the AJV that is loaded anyway: what other tools would reject.
import { createRequire } from "node:module";
import type { ErrorObject, ValidateFunction } from "ajv";
import type { Finding } from "../contract.ts";
import { join, lookup, parent, tokens } from "../pointer.ts";
import { isRecord, list, record } from "../raw.ts";
import { filesKey, withFiles } from "../references.ts";
import { asyncapiVersion } from "../root-keys.ts";
import { createAjv } from "../schemas.ts";
import { at, resolve, type SourceTree } from "../source-tree.ts";
import { choices, correction, shorten } from "./check.ts";

/** AJV compares each value of an enum with each; so many tell what the others are. */
const maxEnum = 50;

/** What the schema of the document's version says of it, as it was read: before conversion and overlay. */
export async function checkStructure(original: SourceTree): Promise<Finding[]> {
  const version = asyncapiVersion(original);
  if (version === undefined) return [];
  const { tree } = await withFiles(original);
  const root = preparedRoot(tree);
  const validate = structureOf(version, bindingsIn(root));
  if (validate === undefined || validate(root)) return [];
  const errors = meaningful(list(validate.errors) as ErrorObject[]).filter(
    ({ instancePath }) => !belowReference(root, instancePath),
  );
  return errors.map((error) => explain(tree, error));
}

/** Without other files but with their parts in place, with short enums, and without what no schema describes. */
function preparedRoot(tree: SourceTree): unknown {
  const inserted = new Set<string>();
  const prepare = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(prepare);
    if (!isRecord(value)) return value;
    const reference = value.$ref;
    if (typeof reference === "string" && reference.startsWith(`#/${filesKey}/`) && !inserted.has(reference)) {
      inserted.add(reference);
      const target = resolve(tree, reference)?.value;
      if (target !== undefined) return prepare(target);
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [
        key,
        key === "enum" && Array.isArray(child) ? child.slice(0, maxEnum) : prepare(child),
      ]),
    );
  };
  const { [filesKey]: _, ...root } = record(prepare(tree.root));
  return root;
}

/** Protocols of all bindings. */
function bindingsIn(value: unknown): Set<string> {
  const found = new Set<string>();
  const walk = (child: unknown, key: string) => {
    if (key.endsWith("indings") || key === "bindings") for (const name of Object.keys(record(child))) found.add(name);
    for (const [below, next] of Object.entries(isRecord(child) || Array.isArray(child) ? child : {})) {
      // Named bindings of the components stand one level deeper.
      if (/^(server|channel|operation|message)Bindings$/.test(key)) walk(next, "bindings");
      else walk(next, below);
    }
  };
  walk(value, "");
  return found;
}

type Definition = Record<string, unknown>;

/** Only references may stand here. The official parser follows them before it looks, and so takes the object itself as well. */
const resolvedPlaces = [
  ["channel", "servers", "server"],
  ["operation", "channel", "channel"],
  ["operation", "messages", "messageObject"],
  ["operationReply", "channel", "channel"],
  ["operationReply", "messages", "messageObject"],
] as const;

/** @returns undefined where the package has no schema of the version */
function structureOf(version: string, protocols: ReadonlySet<string>): ValidateFunction | undefined {
  const schema = officialSchema(version);
  if (schema === undefined) return undefined;
  const definitions = schema.definitions as Record<string, Definition>;
  for (const [name, definition] of Object.entries(definitions)) {
    // Draft 07 is part of AJV. Compiling bindings that the document does not have would take half of the time.
    const protocol = /\/bindings\/([^/]+)\//.exec(name)?.[1];
    if (/^http:\/\/json-schema\.org\//.test(name)) delete definitions[name];
    else if (protocol !== undefined && !protocols.has(protocol === "websockets" ? "ws" : protocol))
      definitions[name] = { $id: definition.$id };
  }
  const prefix = `http://asyncapi.com/definitions/${version}/`;
  if (version.startsWith("3.")) {
    for (const [holder, key, target] of resolvedPlaces) {
      const properties = record(record(definitions[`${prefix}${holder}.json`]).properties) as Record<string, Definition>;
      const place = (record(properties[key]).items ?? properties[key]) as Definition;
      const { $ref } = place;
      delete place.$ref;
      place.oneOf = [{ $ref }, { $ref: `${prefix}${target}.json` }];
    }
  }
  // The time of one validation is nothing beside that of optimizing the code for it. These patterns are no document's.
  const regExp = Object.assign((pattern: string, flags: string) => new RegExp(pattern, flags), { code: "new RegExp" });
  return createAjv(false, { verbose: true, validateFormats: false, code: { optimize: false, regExp } }).compile(schema);
}

function officialSchema(version: string): Definition | undefined {
  try {
    const schema = createRequire(import.meta.url)(`@asyncapi/specs/schemas/${version}.json`) as Definition;
    return structuredClone(schema);
  } catch {
    return undefined;
  }
}

/** A part that only a reference brought to a place where AsyncAPI has none: other tools follow it there too. */
function belowReference(root: unknown, instancePath: string): boolean {
  for (let pointer = `#${instancePath}`; ; pointer = parent(pointer)) {
    if (typeof record(lookup(root, pointer)).$ref === "string") return true;
    if (pointer === "#") return false;
  }
}

const combinations = new Set(["oneOf", "anyOf", "allOf", "if", "not"]);

/** AJV reports every alternative that it tried. Of alternatives, the one that its constants choose counts; of errors at one place, the first. */
function meaningful(errors: readonly ErrorObject[]): ErrorObject[] {
  const own = errors.filter(({ keyword, params }) => !(keyword === "required" && params.missingProperty === "$ref"));
  const groupOf = ({ schemaPath }: ErrorObject) => schemaPath.split("#")[0]!;
  const isChoice = ({ keyword, instancePath }: ErrorObject) =>
    (keyword === "enum" || keyword === "const") && /\/(type|scheme|in)$/.test(instancePath);
  const simple = own.filter(({ keyword }) => !combinations.has(keyword));
  const leaves = simple.filter((error) => {
    if (isChoice(error)) return true;
    // An alternative whose constant at the same object is another's says nothing about this object.
    const other = simple.filter((each) => isChoice(each) && parent(each.instancePath) === error.instancePath);
    return !other.some((each) => groupOf(each) === groupOf(error));
  });
  const chosen = leaves.filter((error) => {
    if (!isChoice(error)) return true;
    const object = parent(error.instancePath);
    return !leaves.some((each) => !isChoice(each) && each.instancePath.startsWith(object) && groupOf(each) !== groupOf(error));
  });
  const deepest = chosen.filter(
    (error) => error.keyword !== "type" || !chosen.some(({ instancePath }) => instancePath.startsWith(`${error.instancePath}/`)),
  );
  // Of alternatives without such a constant, the one that reached deepest is meant.
  const placeOf = ({ instancePath, keyword, params }: ErrorObject) =>
    keyword === "additionalProperties" ? `${instancePath}/${params.additionalProperty}` : instancePath;
  const ofAlternative = deepest.filter((error) => /\/(?:oneOf|anyOf)\/\d+\//.test(error.schemaPath));
  const shallow = new Set(
    ofAlternative.filter((error) => deepest.some(({ instancePath }) => instancePath.startsWith(`${placeOf(error)}/`))),
  );
  const kept = deepest.length > 0 ? deepest : own.filter(({ keyword }) => keyword !== "if").slice(0, 1);
  const byPlace = new Map<string, ErrorObject>();
  for (const error of kept) {
    if (!shallow.has(error) && !byPlace.has(placeOf(error))) byPlace.set(placeOf(error), error);
  }
  return [...byPlace.values()];
}

function explain(tree: SourceTree, { keyword, params, message, data, parentSchema, instancePath }: ErrorObject): Finding {
  const here = `#${instancePath}`;
  const finding = (pointer: string, expected: string, actual: string, fix: string): Finding =>
    at(tree, resolve(tree, pointer)?.pointer ?? pointer, {
      ...{ severity: "error", id: "document-structure", expected, actual: shorten(actual), fix },
    });
  const name = tokens(here).at(-1) ?? "the document";
  switch (keyword) {
    case "additionalProperties": {
      const key = String(params.additionalProperty);
      const allowed = Object.keys(record(parentSchema?.properties)).filter((each) => each !== "$ref");
      const otherwise = "remove the key, or begin it with x- to say that it is your own";
      return finding(join(here, key), `one of the keys ${choices(allowed)}`, key, correction(key, allowed, otherwise));
    }
    case "required": {
      const keys = choices(Object.keys(record(data)), "no key at all");
      return finding(here, `a key ${params.missingProperty} in ${name}`, keys, `add ${params.missingProperty}`);
    }
    case "enum":
    case "const": {
      const allowed = list(keyword === "enum" ? params.allowedValues : [params.allowedValue]).map(String);
      const expected = `${name}: ${allowed.length > 1 ? "one of " : ""}${choices(allowed)}`;
      return finding(here, expected, JSON.stringify(data), correction(String(data), allowed, "write one of these values"));
    }
    case "type": {
      const expected = [params.type].flat().join(" or ");
      return finding(here, `${name}: ${expected}`, JSON.stringify(data) ?? "nothing", `write a value of type ${expected}`);
    }
    default: {
      const expected = (message ?? keyword).replace(/^must /, "");
      return finding(here, `${name}: ${expected}`, JSON.stringify(data) ?? "nothing", "see the AsyncAPI specification");
    }
  }
}
