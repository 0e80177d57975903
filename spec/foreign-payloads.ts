// Payloads described in Avro: read by AsyncAPI's own package where the user has installed it. Protobuf is not: its package describes a
// map as one value and asks for every field, so that correct messages would fail.
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { DocumentPointer, Finding } from "./contract.ts";
import { join } from "./pointer.ts";
import { isRecord, text } from "./raw.ts";
import { at, resolve, type SourceTree } from "./source-tree.ts";

/** The member that keeps what `schemaFormat` was before the schema was read; AsyncAPI's own parser has the same. */
export const originalFormat = "x-parser-original-schema-format";
export const avroPackage = "@asyncapi/avro-schema-parser";

/** Whether the optional package reads schemas of this format. */
export function isAvro(schemaFormat: string): boolean {
  return /^application\/vnd\.apache\.avro\b/.test(schemaFormat);
}

/** What the package gives; it has the interface of AsyncAPI's parser. */
interface AvroReader {
  parse(input: { data: unknown; meta: object; path: string[] }): unknown;
}

/**
 * Puts JSON Schema in the place of each Avro schema, if the package is installed beside the document, in the working folder or beside
 * this one. Without it the schema stays, and lint names it.
 * @returns the tree, and an error for each schema that the package rejects
 */
export async function withAvroPayloads(tree: SourceTree): Promise<{ tree: SourceTree; findings: Finding[] }> {
  const found = [...avroIn(tree.root, "#")];
  const reader = found.length === 0 ? undefined : await avroReader(tree.file);
  if (reader === undefined) return { tree, findings: [] };
  const copy: SourceTree = { ...tree, root: structuredClone(tree.root) };
  const findings: Finding[] = [];
  for (const pointer of found) {
    const inner = join(pointer, "schema");
    const wrapper = resolve(copy, pointer)!.value as Record<string, unknown>;
    try {
      const schema: unknown = await reader.parse({ data: structuredClone(resolve(tree, inner)?.value), meta: {}, path: [] });
      wrapper.schema = plain(schema);
      wrapper[originalFormat] = wrapper.schemaFormat;
      wrapper.schemaFormat = "application/schema+json;version=draft-07";
    } catch (error) {
      findings.push(
        at(tree, inner, {
          severity: "error",
          id: "schema-unreadable",
          expected: `a schema that ${avroPackage} reads`,
          actual: error instanceof Error ? error.message.split("\n")[0]! : String(error),
          fix: "correct the schema or its schemaFormat",
        }),
      );
    }
  }
  return { tree: copy, findings };
}

function* avroIn(value: unknown, pointer: DocumentPointer): Generator<DocumentPointer> {
  if (typeof value !== "object" || value === null) return;
  if (isRecord(value) && "schema" in value && isAvro(text(value.schemaFormat) ?? "")) yield pointer;
  else for (const [key, child] of Object.entries(value)) yield* avroIn(child, join(pointer, key));
}

/** The package's unions are `oneOf`, of which 5 as int or long fits two; and it writes members that are undefined. */
function plain(schema: unknown): unknown {
  const isUnion = (key: string, value: unknown) => key === "oneOf" && Array.isArray(value);
  return JSON.parse(
    JSON.stringify(schema, (_, value: unknown) =>
      isRecord(value)
        ? Object.fromEntries(Object.entries(value).map(([key, child]) => [isUnion(key, child) ? "anyOf" : key, child]))
        : value,
    ),
  );
}

async function avroReader(file: string): Promise<AvroReader | undefined> {
  for (const base of [path.resolve(file), path.resolve("package.json"), import.meta.filename]) {
    try {
      const entry = createRequire(base).resolve(avroPackage);
      const { AvroSchemaParser } = (await import(pathToFileURL(entry).href)) as { AvroSchemaParser: () => AvroReader };
      return AvroSchemaParser();
    } catch {
      // Not here: the next folder may have it.
    }
  }
  return undefined;
}
