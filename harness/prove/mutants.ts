// The document with one promise taken out or altered: an honest server must now break some rule. Pure.
import type { Contract, Effect, JsonSchema, Requirement } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";

export interface Mutant {
  /** Permanent, such as `effect-removed #/operations/x/x-effects/0`. */
  readonly id: string;
  /** What was altered. */
  readonly pointer: string;
  readonly contract: Contract;
}

type Mutable<T> =
  T extends ReadonlyMap<infer K, infer V>
    ? Map<K, Mutable<V>>
    : T extends readonly (infer V)[]
      ? Mutable<V>[]
      : T extends object
        ? { -readonly [K in keyof T]: Mutable<T[K]> }
        : T;

/** All mutants of the document, in its order. */
export function mutantsOf(contract: Contract): readonly Mutant[] {
  const mutants: Mutant[] = [];
  const add = (what: string, pointer: string, change: (copy: Mutable<Contract>) => void) => {
    const copy = structuredClone(contract) as Mutable<Contract>;
    change(copy);
    mutants.push({ id: `${what} ${pointer}`, pointer, contract: copy as unknown as Contract });
  };
  addEffects(contract, add);
  addRequirements(contract, add);
  addChannels(contract, add);
  addErrors(contract, add);
  addSchemas(contract, add);
  return mutants;
}

type Add = (what: string, pointer: string, change: (copy: Mutable<Contract>) => void) => void;

function addEffects(contract: Contract, add: Add): void {
  const each = (effects: readonly Effect[], within: (copy: Mutable<Contract>) => Mutable<Effect>[]) => {
    effects.forEach((effect, place) => {
      add("effect-removed", effect.pointer, (copy) => void within(copy).splice(place, 1));
      if (effect.kind === "deliver" && effect.sender === "excluded") {
        add("sender-included", effect.pointer, (copy) => {
          const one = within(copy)[place]!;
          if (one.kind === "deliver") one.sender = "included";
        });
      }
      if (effect.kind !== "deliver" && effect.kind !== "reply") return;
      for (const pointer of effect.bindings.keys()) {
        add("binding-altered", join(effect.pointer, "with", pointer), (copy) => {
          const one = within(copy)[place]!;
          if (one.kind === "deliver" || one.kind === "reply") one.bindings.set(pointer, { kind: "literal", value: "never-sent" });
        });
      }
    });
  };
  for (const [at, { effects }] of contract.operations.entries()) each(effects, (copy) => copy.operations[at]!.effects);
  for (const [at, { onDisconnect }] of contract.state.relations.entries()) {
    each(onDisconnect, (copy) => copy.state.relations[at]!.onDisconnect);
  }
}

function addRequirements(contract: Contract, add: Add): void {
  const codes = contract.errors?.codes.map(({ code }) => code) ?? [];
  contract.operations.forEach(({ requires }, at) => {
    requires.forEach((requirement: Requirement, place) => {
      add("requirement-removed", requirement.pointer, (copy) => void copy.operations[at]!.requires.splice(place, 1));
      const other = codes.find((code) => code !== requirement.else);
      if (other === undefined) return;
      add("requirement-else-altered", requirement.pointer, (copy) => {
        copy.operations[at]!.requires[place]!.else = other;
      });
    });
  });
}

function addChannels(contract: Contract, add: Add): void {
  contract.channels.forEach(({ handshake, heartbeat, limits, rateLimits, closeCodes }, at) => {
    handshake?.refusals.forEach((refusal, place) => {
      add("refusal-altered", refusal.pointer, (copy) => {
        const { outcome } = copy.channels[at]!.handshake!.refusals[place]!;
        if ("http" in outcome) outcome.http += 1;
        else outcome.close = 4999;
      });
    });
    handshake?.subprotocols.forEach((_, place) => {
      add("subprotocol-altered", join(handshake.pointer, "subprotocols", place), (copy) => {
        copy.channels[at]!.handshake!.subprotocols[place] = "never-offered";
      });
    });
    if (heartbeat?.close !== undefined) {
      add("close-altered", heartbeat.pointer, (copy) => {
        copy.channels[at]!.heartbeat!.close = 4999;
      });
    }
    limits.forEach((limit, place) => {
      if (limit.close !== undefined) {
        add("close-altered", limit.pointer, (copy) => {
          copy.channels[at]!.limits[place]!.close = 4999;
        });
      }
      if (limit.error !== undefined) {
        const other = contract.errors?.codes.find(({ code }) => code !== limit.error)?.code;
        add("error-altered", limit.pointer, (copy) => {
          copy.channels[at]!.limits[place]!.error = other;
        });
      }
      // The number that the server advertises is believed, so that only another one without that can be wrong.
      add("limit-lowered", limit.pointer, (copy) => {
        const one = copy.channels[at]!.limits[place]!;
        one.value = Math.max(1, Math.floor(limit.value / 4));
        one.advertised = undefined;
      });
    });
    rateLimits.forEach((limit, place) => {
      add("rate-raised", limit.pointer, (copy) => {
        const one = copy.channels[at]!.rateLimits[place]!;
        one.burst = limit.burst + 5;
        one.advertised = { burst: undefined, perSecond: undefined };
      });
    });
    closeCodes.forEach((code, place) => {
      add("close-code-altered", code.pointer, (copy) => {
        copy.channels[at]!.closeCodes[place]!.code = 4999;
        renumber(copy, code.code);
      });
    });
  });
}

/** Wherever the document names the close code. */
function renumber(copy: Mutable<Contract>, from: number): void {
  const named: ({ close?: number | undefined } | undefined)[] = [
    ...copy.channels.flatMap(({ handshake, heartbeat, limits }) => [
      heartbeat,
      ...limits,
      ...(handshake?.refusals ?? []).flatMap(({ outcome }) => ("close" in outcome ? [outcome] : [])),
    ]),
    ...(copy.errors?.codes ?? []),
  ];
  for (const one of named) if (one?.close === from) one.close = 4999;
}

function addErrors(contract: Contract, add: Add): void {
  contract.errors?.codes.forEach((code, place) => {
    add("error-code-altered", code.pointer, (copy) => {
      copy.errors!.codes[place]!.code = "NEVER_SENT";
      for (const { requires } of copy.operations) {
        for (const one of requires) if (one.else === code.code) one.else = "NEVER_SENT";
      }
      for (const { limits, rateLimits } of copy.channels) {
        for (const one of [...limits, ...rateLimits]) if (one.error === code.code) one.error = "NEVER_SENT";
      }
    });
    add("retryable-flipped", code.pointer, (copy) => {
      copy.errors!.codes[place]!.retryable = !code.retryable;
    });
  });
}

/** Bounds of schemas that can be moved by one, so that a value at the old bound is on the other side. */
const bounds: Readonly<Record<string, number>> = {
  maxLength: -1,
  minLength: 1,
  maximum: -1,
  minimum: 1,
  maxItems: -1,
  exclusiveMinimum: 1,
};

function addSchemas(contract: Contract, add: Add): void {
  const each = (schema: JsonSchema, pointer: string, isServers: boolean, within: (copy: Mutable<Contract>) => unknown) => {
    for (const { path, keyword, value } of keywordsOf(schema)) {
      const change = (to: unknown) => (copy: Mutable<Contract>) => {
        let place = within(copy) as Record<string, unknown>;
        for (const step of path) place = place[step] as Record<string, unknown>;
        if (to === undefined) delete place[keyword];
        else place[keyword] = to;
      };
      const at = join(pointer, ...path, keyword);
      if (typeof value === "number" && bounds[keyword] !== undefined) add("bound-moved", at, change(value + bounds[keyword]));
      // What is looser for the server's messages, an honest server keeps as well.
      if (isServers) continue;
      if (keyword === "required" && Array.isArray(value)) {
        value.forEach((name, index) => {
          add("requirement-of-member-removed", join(at, index), change(value.filter((one) => one !== name)));
        });
      }
      if (keyword === "additionalProperties" && value === false) add("members-allowed", at, change(undefined));
      if (keyword === "enum" && Array.isArray(value)) add("enum-extended", at, change([...value, "never-sent"]));
      if (keyword === "pattern") add("pattern-removed", at, change(undefined));
    }
  };
  const fromClient = new Set(contract.operations.flatMap(({ action, messages }) => (action === "receive" ? messages : [])));
  for (const [at, { name, payload, pointer }] of contract.messages.entries()) {
    each(payload, join(pointer, "payload"), !fromClient.has(name), (copy) => copy.messages[at]!.payload);
  }
  for (const [name, schema] of contract.definitions)
    each(schema, `#/definitions/${name}`, false, (copy) => copy.definitions.get(name));
}

interface Keyword {
  /** Of the schema that has it, from the root. */
  readonly path: readonly (string | number)[];
  readonly keyword: string;
  readonly value: unknown;
}

function keywordsOf(schema: unknown, path: readonly (string | number)[] = []): readonly Keyword[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([keyword, value]): Keyword[] => {
    const own = { path, keyword, value };
    if (keyword === "properties") {
      return Object.entries(value as object).flatMap(([name, child]) => keywordsOf(child, [...path, keyword, name]));
    }
    if (keyword === "items") return [own, ...keywordsOf(value, [...path, keyword])];
    return [own];
  });
}
