// Schemas that contain themselves at the same place: a validator would never end, so one way round is taken out.

import { isRecord, list, text } from "./raw.ts";
import type { JsonSchema } from "./schema-walk.ts";

const namePrefix = "#/definitions/";

/** One way round: the names from the schema back to itself. */
export interface Cycle {
  readonly names: readonly string[];
  /** What was done: `base`: the way back leads to the schema without its alternatives. `open`: it is left out. */
  readonly cut: "base" | "open";
}

interface Edge {
  readonly to: string;
  /** The object that holds the `$ref`. */
  readonly holder: Record<string, unknown>;
  /** Whether the way goes through anyOf or oneOf of the schema itself: the alternatives that its base does not have. */
  readonly alternative: boolean;
}

/**
 * Changes the definitions so that none contains itself without a step into a property or item. A base whose alternatives extend it, as
 * generators for object-oriented languages write it, keeps its meaning: the alternatives extend the base without its alternatives.
 */
export function breakCycles(definitions: Map<string, JsonSchema>): Cycle[] {
  const cycles: Cycle[] = [];
  const done = new Set<string>();
  const visit = (name: string, path: readonly { readonly name: string; readonly alternative: boolean }[]): void => {
    for (const edge of edgesOf(definitions.get(name))) {
      const here = [...path, { name, alternative: edge.alternative }];
      const start = here.findIndex((step) => step.name === edge.to);
      if (start >= 0) cycles.push(cut(definitions, here.slice(start), edge));
      else if (!done.has(edge.to)) visit(edge.to, here);
    }
    done.add(name);
  };
  for (const name of [...definitions.keys()]) if (!done.has(name)) visit(name, []);
  return cycles;
}

function cut(definitions: Map<string, JsonSchema>, way: readonly { name: string; alternative: boolean }[], edge: Edge): Cycle {
  const names = [...way.map(({ name }) => name), edge.to];
  const schema = definitions.get(edge.to);
  if (!way[0]!.alternative || !isRecord(schema)) {
    delete edge.holder.$ref;
    return { names, cut: "open" };
  }
  const base = `${edge.to}_base`;
  if (!definitions.has(base)) {
    const { oneOf: _, anyOf: __, discriminator: ___, ...rest } = schema;
    definitions.set(base, rest);
  }
  edge.holder.$ref = namePrefix + base;
  return { names, cut: "base" };
}

/** References that hold at the same place as the schema itself. */
function edgesOf(schema: unknown): Edge[] {
  const edges: Edge[] = [];
  const look = (part: unknown, alternative: boolean): void => {
    if (!isRecord(part)) return;
    const reference = text(part.$ref);
    if (reference?.startsWith(namePrefix)) {
      edges.push({ to: reference.slice(namePrefix.length), holder: part as Record<string, unknown>, alternative });
    }
    for (const keyword of ["allOf", "anyOf", "oneOf"]) {
      for (const child of list(part[keyword])) look(child, alternative || (part === schema && keyword !== "allOf"));
    }
    for (const keyword of ["not", "if", "then", "else"]) look(part[keyword], alternative);
    for (const keyword of ["dependencies", "dependentSchemas"]) {
      for (const child of Object.values(isRecord(part[keyword]) ? part[keyword] : {})) look(child, alternative);
    }
  };
  look(schema, false);
  return edges;
}
