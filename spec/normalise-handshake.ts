// How a connection begins: x-handshake, the ws binding, the query of the address, and security schemes.
import {
  type Carrier,
  type Credentials,
  type DocumentPointer,
  type Handshake,
  type HandshakeField,
  type JsonSchema,
  type Refusal,
  refusalTriggers,
} from "./contract.ts";
import type { Definitions } from "./definitions.ts";
import type { Named } from "./normalise-effects.ts";
import { canonical, join } from "./pointer.ts";
import { isRecord, list, number, oneOf, type RawRecord, record, strings, text } from "./raw.ts";
import { conjuncts } from "./schema-walk.ts";
import { resolve, type SourceTree } from "./source-tree.ts";

/** What a channel says about its handshake, in the order of precedence. */
export interface HandshakeSources {
  readonly tree: SourceTree;
  readonly definitions: Definitions;
  /** Values for fields, by name, which beat those of the document. */
  readonly given: Readonly<Record<string, string>>;
  readonly channel: DocumentPointer;
  /** The query of the address, without the question mark. */
  readonly addressQuery: string;
  /** Where the security of the channel's servers and operations stands. */
  readonly security: readonly DocumentPointer[];
}

/** Undefined where the document says nothing about the handshake. */
export function normaliseHandshake(sources: HandshakeSources, named: Pick<Named, "message">): Handshake | undefined {
  const { tree, channel } = sources;
  const pointer = join(channel, "x-handshake");
  const said = resolve(tree, pointer)?.value;
  const binding = join(channel, "bindings", "ws");
  const query = [...addressFields(sources), ...fieldsOf(sources, join(binding, "query"))];
  const headers = fieldsOf(sources, join(binding, "headers"));
  const schemes = sources.security.flatMap((place) => securityOf(tree, place));
  const security = schemes.length === 0 ? undefined : credentialsFrom(schemes);
  if (!isRecord(said)) {
    if (query.length + headers.length === 0 && security === undefined) return undefined;
    return { pointer: binding, first: undefined, subprotocols: [], credentials: security, refusals: [], query, headers };
  }
  const first = text(said.first);
  return {
    pointer,
    first: first === undefined ? undefined : named.message(first),
    subprotocols: strings(said.subprotocols),
    credentials: isRecord(said.credentials) ? credentialsOf(said.credentials) : security,
    refusals: list(said.refusals).map((entry, index) => refusalOf(record(entry), join(pointer, "refusals", index))),
    query,
    headers,
  };
}

function credentialsOf(raw: RawRecord): Credentials {
  return {
    scheme: oneOf(raw.scheme, ["jwt", "opaque"], "opaque"),
    algorithms: strings(raw.algorithms),
    claims: Object.entries(record(raw.claims)).map(([name, value]) => {
      const claim = record(value);
      return { name, required: claim.required === true, value: claim.const, description: text(claim.description) ?? "" };
    }),
    carriers: list(raw.carriers).flatMap((entry): Carrier[] => {
      const carrier = record(entry);
      const name = text(carrier.name) ?? "";
      const prefix = text(carrier.prefix) ?? "";
      if (carrier.in === "header") return [{ in: "header", name, prefix }];
      if (carrier.in === "query") return [{ in: "query", name }];
      if (carrier.in !== "subprotocol") return [];
      return [{ in: "subprotocol", prefix, encoding: oneOf(carrier.encoding, ["plain", "base64url"], "plain") }];
    }),
  };
}

function refusalOf(raw: RawRecord, pointer: DocumentPointer): Refusal {
  const close = number(raw.close);
  return {
    pointer,
    when: oneOf(raw.when, refusalTriggers, "credential-invalid"),
    claim: text(raw.claim),
    contains: raw.contains,
    outcome: close === undefined ? { http: number(raw.http) ?? 400, headers: strings(raw.headers) } : { close },
  };
}

/** The properties of a schema of the ws binding: one field each. */
function fieldsOf({ tree, definitions, given }: HandshakeSources, pointer: DocumentPointer): HandshakeField[] {
  const resolved = resolve(tree, pointer);
  if (resolved === undefined) return [];
  const schema = definitions.schemaAt(resolved.pointer);
  const known = definitions.all();
  const parts = conjuncts(schema, known);
  const required = new Set(parts.flatMap((part) => strings(part.required)));
  const names = new Set(parts.flatMap((part) => Object.keys(record(part.properties))));
  return [...names].map((name) => {
    const own = parts.flatMap((part) => (Object.hasOwn(record(part.properties), name) ? [record(part.properties)[name]] : []));
    const field = (own.length === 1 ? own[0] : { allOf: own }) as JsonSchema;
    const all = conjuncts(field, known);
    return {
      name,
      pointer: join(resolved.pointer, "properties", name),
      description: all.map(({ description }) => text(description)).find((found) => found !== undefined) ?? "",
      required: required.has(name),
      schema: field,
      value: given[name] ?? valueFor(all),
    };
  });
}

/** The one value that is surely right: a const, default, example or the first of an enum. */
function valueFor(parts: readonly RawRecord[]): string | undefined {
  const candidates = parts.flatMap((part) => [
    part.const,
    part.default,
    ...list(part.examples).slice(0, 1),
    part.example,
    ...list(part.enum).slice(0, 1),
  ]);
  const value = candidates.find((candidate) => candidate !== undefined && candidate !== null && typeof candidate !== "object");
  return value === undefined ? undefined : String(value);
}

/** `/feed?room={room}&v=1`: fields that the address itself asks for. */
function addressFields({ channel, addressQuery, given }: HandshakeSources): HandshakeField[] {
  return [...new URLSearchParams(addressQuery)].map(([name, value]) => ({
    name,
    pointer: join(channel, "address"),
    description: "",
    required: true,
    schema: { type: "string" },
    value: given[name] ?? (value.includes("{") ? undefined : value),
  }));
}

interface SecurityScheme {
  readonly type: string;
  readonly raw: RawRecord;
}

/** The schemes that a list of references means; those that no header or query can carry are left out and reported by lint. */
function securityOf(tree: SourceTree, pointer: DocumentPointer): SecurityScheme[] {
  const resolved = resolve(tree, pointer);
  return list(resolved?.value).flatMap((_, index) => {
    const scheme = record(resolve(tree, join(canonical(resolved!.pointer), index))?.value);
    const type = text(scheme.type);
    return type === undefined ? [] : [{ type, raw: scheme }];
  });
}

/** How a credential of the scheme travels; empty where a WebSocket handshake cannot carry it. */
export function carriersOf(scheme: RawRecord): Carrier[] {
  const bearer: Carrier = { in: "header", name: "Authorization", prefix: "Bearer " };
  switch (scheme.type) {
    case "http":
      if (/^bearer$/i.test(text(scheme.scheme) ?? "")) return [bearer];
      return /^basic$/i.test(text(scheme.scheme) ?? "") ? [{ in: "header", name: "Authorization", prefix: "Basic " }] : [];
    case "httpApiKey":
    case "apiKey": {
      const name = text(scheme.name) ?? "";
      if (name === "") return [];
      if (scheme.in === "query") return [{ in: "query", name }];
      if (scheme.in === "cookie") return [{ in: "header", name: "Cookie", prefix: `${name}=` }];
      return scheme.in === "header" ? [{ in: "header", name, prefix: "" }] : [];
    }
    case "userPassword":
      return [{ in: "header", name: "Authorization", prefix: "Basic " }];
    case "oauth2":
    case "openIdConnect":
      return [bearer];
    default:
      return [];
  }
}

/** Any of the schemes will do, so each is a carrier of one opaque credential. */
function credentialsFrom(schemes: readonly SecurityScheme[]): Credentials | undefined {
  const carriers = new Map(schemes.flatMap(({ raw }) => carriersOf(raw)).map((carrier) => [JSON.stringify(carrier), carrier]));
  return carriers.size === 0 ? undefined : { scheme: "opaque", algorithms: [], claims: [], carriers: [...carriers.values()] };
}
