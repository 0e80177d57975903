// The URL of a channel and what its handshake must carry, as fixed text and as what a reader has to fill in. Pure.
import type { Carrier, Channel, Contract } from "../../../spec/contract.ts";
import { urlsOf } from "../../../spec/endpoints.ts";

/** Fixed text, or the name of a value that the document does not have. */
export type Piece = string | { readonly value: string };

export interface Connection {
  /** The URL, with what it takes in its query. */
  readonly url: readonly Piece[];
  readonly subprotocols: readonly string[];
  /** A subprotocol that carries the credential. */
  readonly pair: In<"subprotocol"> | undefined;
  readonly headers: readonly { readonly name: string; readonly value: readonly Piece[] }[];
}

type In<Kind extends Carrier["in"]> = Extract<Carrier, { in: Kind }>;

export function carrierOf<Kind extends Carrier["in"]>({ handshake }: Channel, kind: Kind): In<Kind> | undefined {
  return handshake?.credentials?.carriers.find((each): each is In<Kind> => each.in === kind);
}

/** `ws://h/{room}` -> the text around the braces, and what is in them. */
export const piecesOf = (url: string): Piece[] =>
  url
    .split(/(\{[^{}]*\})/)
    .filter((part) => part !== "")
    .map((part) => (/^\{.*\}$/.test(part) ? { value: part.slice(1, -1) } : part));

/** The URL on the first server that has the channel; a placeholder where the document has no server. */
export function urlOf(contract: Contract, channel: Channel, scheme = "ws"): string {
  return urlsOf(contract, channel)[0] ?? `${scheme}://localhost:8080${channel.endpoint ?? channel.address}`;
}

/** @param carriers kinds that the program can send, the wanted one first */
export function connectionOf(contract: Contract, channel: Channel, carriers: readonly Carrier["in"][]): Connection {
  const { handshake } = channel;
  const base = urlOf(contract, channel);
  const kind = carriers.find((each) => carrierOf(channel, each) !== undefined);
  const query = kind === "query" ? carrierOf(channel, "query") : undefined;
  const header = kind === "header" ? carrierOf(channel, "header") : undefined;
  const named = new Set([...new URLSearchParams(base.split("?")[1] ?? "").keys(), query?.name]);
  const parameters = (handshake?.query ?? [])
    .filter(({ name, required }) => required && !named.has(name))
    .map(({ name, value }): Piece[] => [
      `${encodeURIComponent(name)}=`,
      value === undefined ? { value: name } : encodeURIComponent(value),
    ]);
  if (query !== undefined) parameters.push([`${encodeURIComponent(query.name)}=`, { value: "token" }]);
  const separated = parameters.flatMap((pieces, index) => [index > 0 || base.includes("?") ? "&" : "?", ...pieces]);
  const fields = (handshake?.headers ?? [])
    .filter(({ name, required }) => required && name.toLowerCase() !== header?.name.toLowerCase())
    .map(({ name, value }) => ({ name, value: [value ?? { value: name }] }));
  return {
    url: joined([...piecesOf(base), ...separated]),
    subprotocols: handshake?.subprotocols ?? [],
    pair: kind === "subprotocol" ? carrierOf(channel, "subprotocol") : undefined,
    headers: [...(header === undefined ? [] : [{ name: header.name, value: [header.prefix, { value: "token" }] }]), ...fields],
  };
}

/** Texts beside each other become one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const all: Piece[] = [];
  for (const piece of pieces) {
    const last = all.at(-1);
    if (typeof piece === "string" && typeof last === "string") all[all.length - 1] = last + piece;
    else all.push(piece);
  }
  return all;
}
