// One value that a schema probably accepts, for questions about schemas. The generators of the harness do this thoroughly.
import type { JsonSchema } from "./contract.ts";
import { isRecord, list, record, text } from "./raw.ts";
import { conjuncts } from "./schema-walk.ts";

/** Deeper than any envelope, and an end for recursive schemas. */
const maxDepth = 6;

/** Every declared property is there, with its const, example, default, first enum value, or a plain value of its type. */
export function sampleOf(schema: unknown, definitions: ReadonlyMap<string, JsonSchema>, depth = 0): unknown {
  const parts = conjuncts(schema, definitions);
  for (const key of ["const", "default", "example"]) {
    const holder = parts.find((part) => Object.hasOwn(part, key));
    if (holder !== undefined) return holder[key];
  }
  for (const key of ["examples", "enum"]) {
    const [value] = parts.flatMap((part) => list(part[key]));
    if (value !== undefined) return value;
  }
  const branches = parts.flatMap((part) => [...list(part.oneOf), ...list(part.anyOf)].slice(0, 1));
  const type = parts.map((part) => text(part.type) ?? text(list(part.type)[0])).find((one) => one !== undefined);
  const properties = parts.flatMap((part) => Object.entries(record(part.properties)));
  if (type === "object" || (type === undefined && properties.length > 0)) {
    const own =
      depth < maxDepth ? properties.map(([name, child]) => [name, sampleOf(child, definitions, depth + 1)] as const) : [];
    const branch = depth < maxDepth ? branches.map((child) => sampleOf(child, definitions, depth + 1)).filter(isRecord) : [];
    return Object.assign(Object.fromEntries(own), ...branch);
  }
  if (type === undefined && branches.length > 0 && depth < maxDepth) return sampleOf(branches[0], definitions, depth + 1);
  if (type === "array") {
    const items = parts.map((part) => part.items).find((one) => one !== undefined);
    return items === undefined || depth >= maxDepth
      ? []
      : list(items).length > 0
        ? list(items).map((one) => sampleOf(one, definitions, depth + 1))
        : [sampleOf(items, definitions, depth + 1)];
  }
  const least = parts.map((part) => part.minimum).find((one) => typeof one === "number");
  if (type === "integer" || type === "number") return least ?? 1;
  if (type === "boolean") return true;
  if (type === "null") return null;
  return type === "string" ? "text" : {};
}
