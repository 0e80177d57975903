// Mutates schemas: allows the client more or less, and the server less. Pure.
import type { Contract, JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { reachedDefinitions } from "../../spec/schemas.ts";
import type { Add, Mutable } from "./document-mutant.ts";

/**
 * A schema of client messages becomes wider (the server then rejects valid messages) and narrower (it then accepts invalid ones). A
 * schema of server messages alone becomes so narrow that the honest server's messages are invalid; a wider one would change nothing.
 */
export function mutateSchemas(contract: Contract, add: Add): void {
  const fromClient = new Set(contract.operations.flatMap(({ action, messages }) => (action === "receive" ? messages : [])));
  const clients = contract.messages.filter(({ name }) => fromClient.has(name));
  const shared = new Set(clients.flatMap(({ payload }) => reachedDefinitions(contract, payload)));
  for (const [at, { name, payload, pointer }] of contract.messages.entries()) {
    const mutate = fromClient.has(name) ? mutateForClient : narrowForServer;
    mutate(contract, payload, join(pointer, "payload"), add, (copy) => copy.messages[at]!.payload);
  }
  for (const [name, schema] of contract.definitions) {
    const mutate = shared.has(name) ? mutateForClient : narrowForServer;
    mutate(contract, schema, `#/definitions/${name}`, add, (copy) => copy.definitions.get(name));
  }
}

type Mutate = (
  contract: Contract,
  schema: JsonSchema,
  pointer: string,
  add: Add,
  /** The same schema in the copy. */
  within: (copy: Mutable<Contract>) => unknown,
) => void;

const mutateForClient: Mutate = (contract, schema, pointer, add, within) => {
  for (const { path, keyword, value, change } of keywordsOf(schema, within)) {
    const at = join(pointer, ...path, keyword);
    const step = outward[keyword];
    if (typeof value === "number" && step !== undefined) {
      // Less than nothing cannot be asked for.
      if (value + step >= 0) add("bound-widened", at, change({ [keyword]: value + step }));
      add("bound-narrowed", at, change({ [keyword]: value - step }));
    }
    if (keyword === "required" && Array.isArray(value)) {
      value.forEach((name, index) => {
        add("requirement-of-member-removed", join(at, index), change({ required: value.filter((one) => one !== name) }));
      });
    }
    if (keyword === "additionalProperties" && value === false) add("members-allowed", at, change({ additionalProperties: true }));
    if (keyword === "enum" && Array.isArray(value)) {
      add("enum-extended", at, change({ enum: [...value, "never-sent"] }));
      shortenEnum(value, at, contract, add, (left) => change({ enum: left }));
    }
    if (keyword === "pattern") add("pattern-removed", at, change({ pattern: undefined }));
  }
};

const narrowForServer: Mutate = (contract, schema, pointer, add, within) => {
  for (const { path, keyword, value, owner, change } of keywordsOf(schema, within)) {
    const at = join(pointer, ...path, keyword);
    const narrowed = narrowest(keyword, owner);
    if (narrowed !== undefined) add("bound-narrowed", at, change({ [keyword]: narrowed }));
    if (keyword === "required" && Array.isArray(value))
      add("member-demanded", at, change({ required: [...value, "never-sent"] }));
    if (keyword === "properties" && owner.additionalProperties === false) {
      for (const name of Object.keys(value as object)) {
        const properties = Object.fromEntries(Object.entries(value as object).filter(([other]) => other !== name));
        const required = Array.isArray(owner.required) ? owner.required.filter((other) => other !== name) : undefined;
        add("member-forbidden", join(at, name), change({ properties, required }));
      }
    }
    if (keyword === "enum" && Array.isArray(value)) {
      shortenEnum(value, at, contract, add, (left) => change({ enum: left }));
    }
    if (keyword === "pattern") add("pattern-narrowed", at, change({ pattern: "^never-sent$" }));
    if (keyword === "type" && Array.isArray(value)) {
      value.forEach((one, index) => {
        if (value.length > 1) add("type-removed", join(at, index), change({ type: value.filter((other) => other !== one) }));
      });
    }
  }
};

function shortenEnum(
  values: readonly unknown[],
  pointer: string,
  { errors }: Contract,
  add: Add,
  change: (left: readonly unknown[]) => (copy: Mutable<Contract>) => void,
): void {
  if (values.length < 2) return;
  for (const [index, value] of values.entries()) {
    const left = values.filter((other) => other !== value);
    // An error's code comes where the error does.
    const also = (errors?.codes ?? []).filter(({ code }) => code === value).map((code) => code.pointer);
    add("enum-shortened", join(pointer, index), change(left), also);
  }
}

/** By how much a bound moves outward. */
const outward: Readonly<Record<string, number>> = {
  maxLength: 1,
  minLength: -1,
  maximum: 1,
  minimum: -1,
  maxItems: 1,
  minItems: -1,
};

const far = 2 ** 52;

/** As narrow as the bound can be while something is still allowed. */
function narrowest(keyword: string, { minLength = 0, maxLength = far, minimum, maximum = far, minItems = 0 }: Owner): unknown {
  switch (keyword) {
    case "maxLength":
      return minLength;
    case "minLength":
      return maxLength;
    case "maximum":
      return minimum ?? -far;
    case "minimum":
      return maximum;
    case "exclusiveMinimum":
      return far;
    case "maxItems":
      return minItems;
    default:
      return undefined;
  }
}

type Owner = Readonly<Record<string, unknown>> & {
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
};

interface Keyword {
  /** Of the schema that has it, from the root. */
  readonly path: readonly (string | number)[];
  readonly keyword: string;
  readonly value: unknown;
  /** The schema that has it. */
  readonly owner: Owner;
  /** Sets keywords of that schema in a copy; undefined takes one out. */
  change(keywords: Readonly<Record<string, unknown>>): (copy: Mutable<Contract>) => void;
}

function keywordsOf(root: JsonSchema, within: (copy: Mutable<Contract>) => unknown): readonly Keyword[] {
  const walk = (schema: unknown, path: readonly (string | number)[]): readonly Keyword[] => {
    if (typeof schema !== "object" || schema === null) return [];
    const change: Keyword["change"] = (keywords) => (copy) => {
      let place = within(copy) as Record<string, unknown>;
      for (const step of path) place = place[step] as Record<string, unknown>;
      for (const [name, value] of Object.entries(keywords)) {
        if (value === undefined) delete place[name];
        else place[name] = value;
      }
    };
    return Object.entries(schema).flatMap(([keyword, value]): readonly Keyword[] => {
      const own: Keyword = { path, keyword, value, owner: schema as Owner, change };
      if (keyword === "properties") {
        const children = Object.entries(value as object).flatMap(([name, child]) => walk(child, [...path, keyword, name]));
        return [own, ...children];
      }
      return keyword === "items" ? [own, ...walk(value, [...path, keyword])] : [own];
    });
  };
  return walk(root, []);
}
