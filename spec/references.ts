// The `$ref`s of a document: files are read into the tree, remote references are rejected, and each target must exist.
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { DocumentPointer, Finding } from "./contract.ts";
import { canonical, join, lookup, parent, tokens } from "./pointer.ts";
import { isRecord, record, text } from "./raw.ts";
import { at, type FindingText, parseTree, resolve, type SourceTree, shown } from "./source-tree.ts";

/** Where the other files of a document stand in its tree, one key each. Such a key means nothing in AsyncAPI. */
export const filesKey = "x-wsproof-files";
/** What is held under these is data, in which a `$ref` is just a member. */
const dataKeys = new Set(["const", "enum", "default", "examples", "example"]);
/** What is held under these has names for keys, so that `examples` is one of the author's. */
const nameMaps = new Set([
  "properties",
  "patternProperties",
  "dependencies",
  "schemas",
  "messages",
  "channels",
  "operations",
  "parameters",
]);

interface Reference {
  readonly holder: Record<string, unknown>;
  readonly value: string;
  readonly pointer: DocumentPointer;
}

/** Every `$ref` below a pointer, except in data and in x- keys. */
export function referencesIn(value: unknown, pointer: DocumentPointer, names = false): Reference[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => referencesIn(item, join(pointer, index)));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, child]): Reference[] => {
    const here = join(pointer, key);
    // A name is never text: this stands in place of the names.
    if (key === "$ref" && typeof child === "string") {
      return [{ holder: value as Record<string, unknown>, value: child, pointer: here }];
    }
    if (!names && (dataKeys.has(key) || key.startsWith("x-"))) return [];
    return referencesIn(child, here, !names && nameMaps.has(key));
  });
}

/** Files of languages that are neither YAML nor JSON, such as Protobuf. */
const isText = (file: string) => /\.(proto|avdl|xsd|graphqls?|gql|md|txt)$/i.test(file);

function textTree(file: string, source: string): ReturnType<typeof parseTree> {
  return { tree: { file, root: source, origins: new Map([["#", { file, line: 1, column: 1 }]]) }, findings: [] };
}

const isRemote = (reference: string) => /^([a-z][a-z0-9+.-]*:)?\/\//i.test(reference) || /^[a-z][a-z0-9+.-]+:/i.test(reference);

/**
 * Reads the files that the document refers to into its tree, theirs too, and rewrites the references to them.
 * @returns the tree, and a blocking finding for each reference that is remote, unreadable, circular, or leads nowhere
 */
export async function withFiles(tree: SourceTree): Promise<{ tree: SourceTree; findings: Finding[] }> {
  const root = structuredClone(tree.root) as Record<string, unknown>;
  const origins = new Map(tree.origins);
  const findings: Finding[] = [];
  const files: Record<string, unknown> = {};
  const numberOf = new Map([[path.resolve(tree.file), ""]]);
  const shownFiles = new Map<DocumentPointer, string>();
  const bundled: SourceTree = { ...tree, root, origins, files: shownFiles };

  const rewrite = async (value: unknown, pointer: DocumentPointer, file: string): Promise<void> => {
    for (const reference of referencesIn(value, pointer)) {
      if (isRemote(reference.value)) {
        findings.push(at(bundled, reference.pointer, remote(reference.value)));
        continue;
      }
      const [name, fragment = ""] = reference.value.split(/#(.*)/s);
      const target = name === "" ? path.resolve(file) : path.resolve(path.dirname(file), decodeURI(name!));
      if (!numberOf.has(target)) await read(target, path.relative(process.cwd(), target), reference);
      const number = numberOf.get(target);
      if (number === undefined) continue;
      const prefix = number === "" ? "#" : `#/${filesKey}/${number}`;
      reference.holder.$ref = `${prefix}${canonical(`#${fragment}`).slice(1)}`;
    }
  };

  const read = async (target: string, shown: string, reference: Reference) => {
    const source = await readFile(target, "utf8").catch((error: unknown) => error as Error);
    if (typeof source !== "string") {
      findings.push(at(bundled, reference.pointer, unresolved(reference.value, source.message)));
      return;
    }
    const parsed = isText(target) ? textTree(shown, source) : parseTree(shown, source);
    findings.push(...parsed.findings);
    if (parsed.tree === undefined) return;
    const number = String(numberOf.size);
    numberOf.set(target, number);
    const here = `#/${filesKey}/${number}`;
    shownFiles.set(here, shown);
    for (const [pointer, origin] of parsed.tree.origins) origins.set(here + pointer.slice(1), origin);
    files[number] = parsed.tree.root;
    root[filesKey] = files;
    await rewrite(parsed.tree.root, here, target);
  };

  await rewrite(root, "#", tree.file);
  findings.push(...namesByReference(bundled, root, "#"));
  adoptChannels(root);
  for (const reference of [...referencesIn(root, "#"), ...referencesIn(files, `#/${filesKey}`)]) {
    const target = reference.holder.$ref as string;
    if (!target.startsWith("#") || resolve(bundled, canonical(target)) !== undefined) continue;
    const text = leadsNowhere(bundled, reference);
    if (text !== undefined) findings.push(at(bundled, reference.pointer, text));
  }
  return { tree: bundled, findings };
}

/** Other tools follow a `$ref` in place of names, although JSON Schema calls it a property of that name: the names are put in its place. */
function namesByReference(
  tree: SourceTree,
  value: unknown,
  pointer: DocumentPointer,
  names = false,
  open: readonly string[] = [],
): Finding[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => namesByReference(tree, item, join(pointer, index), false, open));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, child]): Finding[] => {
    const here = join(pointer, key);
    if (!names && (dataKeys.has(key) || key.startsWith("x-"))) return [];
    const holdsNames = (!names && /^(patternP|p)roperties$/.test(key)) || namedParts.test(here);
    const reference = holdsNames ? text(record(child).$ref) : undefined;
    const target = reference === undefined || open.includes(reference) ? undefined : resolve(tree, here)?.value;
    if (reference === undefined || !isRecord(target))
      return namesByReference(tree, child, here, !names && nameMaps.has(key), open);
    const copy = structuredClone(target);
    (value as Record<string, unknown>)[key] = copy;
    const actual = `$ref: ${shown(tree, reference)}`;
    return [
      at(tree, join(here, "$ref"), {
        ...{ severity: "warning", id: "ref-in-place-of-names", expected: `names in ${key}`, actual },
        fix: `list the names in ${key}, each with its own $ref: not every tool follows this one`,
      }),
      ...namesByReference(tree, copy, here, true, [...open, reference]),
    ];
  });
}

/** Maps of named parts outside schemas. */
const namedParts = /^#\/(?:channels|operations|servers|components\/\w+|channels\/[^/]+\/(?:messages|parameters))$/;

/** An operation may be of another file's channel: then that is a channel of this document. */
function adoptChannels(root: Record<string, unknown>): void {
  for (const operation of Object.values(record(root.operations))) {
    const reference = text(record(record(operation).channel).$ref);
    if (reference === undefined || !reference.startsWith(`#/${filesKey}/`)) continue;
    const channels = record(root.channels);
    const known = Object.values(channels).some((channel) => record(channel).$ref === reference);
    if (known) continue;
    let key = tokens(reference).at(-1)!;
    while (Object.hasOwn(channels, key)) key += "_";
    root.channels = { ...channels, [key]: { $ref: reference } };
  }
}

const remote = (reference: string) =>
  ({
    severity: "error",
    blocking: true,
    id: "ref-remote",
    expected: "a reference into this document or to a file",
    actual: `$ref: ${reference}`,
    fix: "copy the target into a file next to the document; references are never fetched",
  }) as const;

const unresolved = (reference: string, why: string) =>
  ({
    severity: "error",
    blocking: true,
    id: "ref-unresolved",
    expected: "a reference to an existing target",
    actual: `$ref: ${reference} (${why})`,
    fix: "correct the reference, or add what it names",
  }) as const;

/** The finding for a reference that does not resolve; undefined where it only leads to another such reference. */
function leadsNowhere(tree: SourceTree, { pointer, holder, value }: Reference): FindingText | undefined {
  const own = parent(pointer);
  const seen = new Set<string>();
  for (let current = canonical(holder.$ref as string); !seen.has(current); ) {
    seen.add(current);
    const target = lookup(tree.root, current);
    if (!isRecord(target) || typeof target.$ref !== "string") break;
    if (current === own) {
      return {
        severity: "error",
        blocking: true,
        id: "ref-circular",
        expected: "references that end at a value",
        actual: [own, ...seen].join(" -> "),
        fix: "replace one of them with the value itself",
      };
    }
    current = canonical(target.$ref);
  }
  const onTheWay = (place: DocumentPointer): boolean => {
    const target = lookup(tree.root, place);
    const isBroken = isRecord(target) && typeof target.$ref === "string" && resolve(tree, place) === undefined;
    return isBroken || (place.includes("/") && onTheWay(parent(place)));
  };
  return onTheWay(canonical(holder.$ref as string)) ? undefined : unresolved(value, "target not found");
}
