// x-requires and x-effects: ordered lists of small objects, each told by the one key that names its kind.
import type {
  Audience,
  DocumentPointer,
  Effect,
  ErrorValue,
  Limit,
  RateLimit,
  Relation,
  Requirement,
  Where,
} from "./contract.ts";
import { join } from "./pointer.ts";
import { isRecord, list, number, oneOf, type RawRecord, record, text } from "./raw.ts";
import { readBindings, readValue, readWhere } from "./read-value.ts";

/** What the lists refer to by name. */
export interface Named {
  /** The Contract's name of a message that the document names. */
  message(name: string): string;
  /** The code that is meant by an error's code or name. */
  error(raw: unknown): ErrorValue | undefined;
  readonly limits: readonly Limit[];
  readonly rateLimits: readonly RateLimit[];
}

/** Entries that are none of the kinds are left out; the check of the vocabulary reports them. */
export function normaliseRequirements(raw: unknown, pointer: DocumentPointer, named: Named): Requirement[] {
  return list(raw).flatMap((entry, index) => {
    const requirement = isRecord(entry) ? requirementOf(entry, join(pointer, index), named) : undefined;
    return requirement === undefined ? [] : [requirement];
  });
}

function requirementOf(raw: RawRecord, pointer: DocumentPointer, named: Named): Requirement | undefined {
  const refusal = named.error(raw.else);
  if (typeof raw.rate === "string") {
    const standard = named.rateLimits.find((limit) => limit.name === raw.rate)?.error;
    return { pointer, else: refusal ?? standard ?? "", kind: "rate", limit: raw.rate };
  }
  if (typeof raw.limit === "string") {
    const standard = named.limits.find((limit) => limit.name === raw.limit)?.error;
    return { pointer, else: refusal ?? standard ?? "", kind: "limit", limit: raw.limit, where: readWhere(raw.where) };
  }
  const base = { pointer, else: refusal ?? "" };
  if (typeof raw.relation === "string") {
    return { ...base, kind: "relation", relation: raw.relation, where: readWhere(raw.where), present: raw.present !== false };
  }
  if (typeof raw.connection === "string") {
    return { ...base, kind: "connection", attribute: raw.connection, equals: readValue(raw.equals) };
  }
  if ("credential" in raw) {
    const claim = text(raw.claim);
    const lacks = claim === undefined ? undefined : { claim, value: raw.lacks };
    return { ...base, kind: "credential", value: readValue(raw.credential), same: text(raw.same), lacks };
  }
  if ("may" in raw) {
    const codes = (Array.isArray(raw.may) ? raw.may : [raw.may]).flatMap((code) => named.error(code) ?? []);
    return { pointer, else: codes[0] ?? "", kind: "may", codes };
  }
  if (typeof raw.claim === "string") return { ...base, kind: "claim", claim: raw.claim, contains: raw.contains };
  return undefined;
}

/**
 * @param ending the relation whose tuple goes, in onDisconnect: there an effect without `where` means that tuple's columns
 */
export function normaliseEffects(
  raw: unknown,
  pointer: DocumentPointer,
  named: Pick<Named, "message">,
  ending?: Pick<Relation, "columns">,
): Effect[] {
  const standard: Where = new Map(
    (ending?.columns ?? []).filter((column) => column !== "connection").map((name) => [name, { kind: "column", name }]),
  );
  const where = (value: unknown): Where => (value === undefined ? standard : readWhere(value));
  return list(raw).flatMap((entry, index) => {
    const effect = isRecord(entry) ? effectOf(entry, join(pointer, index), named, where) : undefined;
    return effect === undefined ? [] : [effect];
  });
}

function effectOf(
  raw: RawRecord,
  pointer: DocumentPointer,
  named: Pick<Named, "message">,
  where: (value: unknown) => Where,
): Effect | undefined {
  if ("once" in raw) {
    return {
      pointer,
      kind: "once",
      key: readValue(raw.once),
      per: text(raw.per) ?? "connection",
      withinMs: number(raw.withinMs) ?? 0,
    };
  }
  if (typeof raw.add === "string") return { pointer, kind: "add", relation: raw.add, where: where(raw.where) };
  if (typeof raw.remove === "string") return { pointer, kind: "remove", relation: raw.remove, where: where(raw.where) };
  if (typeof raw.reply === "string") {
    return { pointer, kind: "reply", message: named.message(raw.reply), bindings: readBindings(raw.with) };
  }
  if (typeof raw.deliver === "string") {
    const to = audienceOf(record(raw.to), where);
    if (to === undefined) return undefined;
    return {
      pointer,
      kind: "deliver",
      message: named.message(raw.deliver),
      to,
      sender: oneOf(raw.sender, ["included", "excluded"], "included"),
      when: oneOf(raw.when, ["always", "changed"], "always"),
      bindings: readBindings(raw.with),
    };
  }
  if (typeof raw.replay === "string") {
    return { pointer, kind: "replay", stream: raw.replay, since: readValue(raw.since), recovered: text(raw.recovered) };
  }
  if ("renew" in raw) return { pointer, kind: "renew", credential: readValue(raw.renew) };
  if (typeof raw.close === "number") return { pointer, kind: "close", code: raw.close };
  return undefined;
}

function audienceOf(raw: RawRecord, where: (value: unknown) => Where): Audience | undefined {
  if (raw.all === true) return { kind: "all" };
  if (typeof raw.relation === "string") return { kind: "relation", relation: raw.relation, where: where(raw.where) };
  if (typeof raw.connection === "string") return { kind: "connection", attribute: raw.connection, equals: readValue(raw.equals) };
  return undefined;
}
