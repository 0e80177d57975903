// Endpoints: the URLs of a document. All channels that share one are topics of one socket.
import type { Channel, Contract, Server } from "./contract.ts";
import { tagsAmong } from "./message-tags.ts";
import { fill, isWebSocket, withSlash } from "./normalise-servers.ts";

export interface Endpoint {
  /** The path with its parameters in braces, as the first server has it, without a query. */
  readonly path: string;
  /** One for each server, with the values of variables and parameters filled in; empty where the document names no server. */
  readonly urls: readonly string[];
  /** Ids of the channels that are one socket there. */
  readonly channels: readonly string[];
}

/** A contract in which the endpoint is one channel. */
export interface EndpointContract {
  readonly contract: Contract;
  readonly channel: Channel;
}

/** The endpoints of all WebSocket channels, in the order of the document. */
export function endpointsOf(contract: Contract): Endpoint[] {
  const byPath = new Map<string, Channel[]>();
  for (const channel of contract.channels.filter(({ kind }) => kind === "websocket")) {
    const path = pathsOf(contract, channel)[0]!;
    byPath.set(path, [...(byPath.get(path) ?? []), channel]);
  }
  return [...byPath].map(([path, channels]) => ({
    path,
    urls: [...new Set(channels.flatMap((channel) => urlsOf(contract, channel)))],
    channels: channels.map(({ id }) => id),
  }));
}

/**
 * The endpoint that a URL means, as one channel.
 * @param url undefined: the only endpoint of the document
 * @returns undefined where none fits, or where several would without a URL; `endpointsOf` then lists them
 */
export function endpointFor(contract: Contract, url: string | undefined): EndpointContract | undefined {
  const endpoints = endpointsOf(contract);
  const [first] = endpoints;
  if (first === undefined) return undefined;
  if (endpoints.length === 1 || url === undefined) return endpoints.length === 1 ? merge(contract, first.channels) : undefined;
  const { pathname } = new URL(url);
  const sockets = contract.channels.filter(({ kind }) => kind === "websocket");
  const fitting = (patterns: (channel: Channel) => readonly string[]) =>
    sockets.filter((channel) => patterns(channel).some((pattern) => fits(pattern, pathname)));
  const doubled = (channel: Channel) => ownServers(contract, channel).map((server) => server.pathname + socketPath(channel));
  // A server behind a proxy may have the address without the pathname that the document gives.
  for (const patterns of [
    (channel: Channel) => pathsOf(contract, channel),
    (channel: Channel) => [socketPath(channel)],
    doubled,
  ]) {
    const found = exactFirst(fitting(patterns), patterns, pathname);
    if (found.length > 0) return merge(contract, found);
  }
  // Names without a slash, at the URL of the server itself: topics of one socket.
  const isBase = pathname === "/" || serversOf(contract).some((server) => fits(server.pathname || "/", pathname));
  const areTopics = sockets.every(({ isTopic }) => isTopic);
  return isBase && areTopics
    ? merge(
        contract,
        sockets.map(({ id }) => id),
      )
    : undefined;
}

/** Where `/feed/all` and `/feed/{name}` both fit, the one without parameters is meant. */
function exactFirst(channels: readonly Channel[], patterns: (channel: Channel) => readonly string[], path: string): string[] {
  const exact = channels.filter((channel) => patterns(channel).includes(path));
  return (exact.length > 0 ? exact : channels).map(({ id }) => id);
}

const serversOf = ({ servers }: Contract): readonly Server[] => {
  const sockets = servers.filter(({ protocol }) => isWebSocket(protocol));
  return sockets.length > 0 ? sockets : servers;
};

/** Servers of the channel that speak WebSocket; where none says so, all of its servers. */
function ownServers(contract: Contract, channel: Channel): readonly Server[] {
  return serversOf({ ...contract, servers: contract.servers.filter(({ name }) => channel.servers.includes(name)) });
}

/** The path of the socket: that of x-endpoint, or the address without its query. */
export function socketPath(channel: Channel): string {
  return withSlash(channel.endpoint ?? channel.address.split("?")[0]!) || "/";
}

/** The path below each server, with braces. */
function pathsOf(contract: Contract, channel: Channel): string[] {
  const path = socketPath(channel);
  const below = ownServers(contract, channel).map((server) =>
    repeatsPathname(server, channel) ? path : join(server.pathname, path),
  );
  return below.length > 0 ? [...new Set(below)] : [path];
}

/**
 * The path and query of the channel's URL, below its first server, with the values of the document filled in.
 * Braces are left where a parameter has no value.
 */
export function pathOf(contract: Contract, channel: Channel): string {
  const [url] = urlsOf(contract, channel);
  const query = /\?.*$/.exec(channel.endpoint === undefined ? channel.address : "")?.[0] ?? "";
  return url === undefined ? fill(socketPath(channel) + query, channel.parameters) : url.replace(/^[^/]*\/\/[^/?]*/, "") || "/";
}

/** The channel's URL on each of its servers, as a client opens it: values filled in where the document has them. */
export function urlsOf(contract: Contract, channel: Channel): string[] {
  const query = /\?.*$/.exec(channel.endpoint === undefined ? channel.address : "")?.[0] ?? "";
  const path = fill(socketPath(channel), channel.parameters);
  return ownServers(contract, channel).map((server) => {
    const { url, pathname, variables } = server;
    const origin = url.slice(0, url.length - fill(pathname, variables).replace(/\/$/, "").length);
    return join(repeatsPathname(server, channel) ? origin : url, path) + fill(query, channel.parameters);
  });
}

/** Whether the address has the server's pathname in it again, as in `/v1` and `/v1/feed`: such an address is the whole path. */
export function repeatsPathname({ pathname }: Server, channel: Channel): boolean {
  const base = pathname.replace(/\/$/, "");
  return base !== "" && `${socketPath(channel)}/`.startsWith(`${base}/`);
}

/** A slash at the end of one of the two is no difference. */
function join(base: string, path: string): string {
  const below = base.replace(/\/$/, "");
  return path === "/" && below !== "" ? below : below + path;
}

/** Whether a path is one of the pattern: each `{name}` is any text without a slash. */
function fits(pattern: string, path: string): boolean {
  const plain = (text: string) => (text.length > 1 ? text.replace(/\/$/, "") : text);
  const source = plain(pattern)
    .split(/\{[^{}]*\}/)
    .map((part) => part.replaceAll(/[.*+?^$()|[\]{}\\/-]/g, "\\$&"))
    .join("[^/]+");
  return new RegExp(`^${source}$`).test(decoded(plain(path)));
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** One channel in place of several: what each says holds on the socket that they share. */
function merge(contract: Contract, ids: readonly string[]): EndpointContract {
  const channels = contract.channels.filter(({ id }) => ids.includes(id));
  const [first, ...others] = channels;
  if (others.length === 0) return { contract, channel: first! };
  const handshakes = channels.flatMap(({ handshake }) => handshake ?? []);
  const deliveries = channels.flatMap(({ delivery }) => delivery ?? []);
  const channel: Channel = {
    ...first!,
    title: channels.map(({ title, id }) => title || id).join(", "),
    messages: [...new Set(channels.flatMap(({ messages }) => messages))],
    parameters: unique(
      channels.flatMap(({ parameters }) => parameters),
      ({ name }) => name,
    ),
    servers: [...new Set(channels.flatMap(({ servers }) => servers))],
    handshake: handshakes[0] && {
      ...handshakes[0],
      credentials: handshakes.map(({ credentials }) => credentials).find((credentials) => credentials !== undefined),
      query: unique(
        handshakes.flatMap(({ query }) => query),
        ({ name }) => name,
      ),
      headers: unique(
        handshakes.flatMap(({ headers }) => headers),
        ({ name }) => name.toLowerCase(),
      ),
    },
    heartbeat: channels.map(({ heartbeat }) => heartbeat).find((heartbeat) => heartbeat !== undefined),
    limits: unique(
      channels.flatMap(({ limits }) => limits),
      ({ name }) => name,
    ),
    rateLimits: unique(
      channels.flatMap(({ rateLimits }) => rateLimits),
      ({ name }) => name,
    ),
    closeCodes: unique(
      channels.flatMap(({ closeCodes }) => closeCodes),
      ({ code }) => code,
    ),
    delivery: deliveries[0] && {
      ...deliveries[0],
      streams: unique(
        deliveries.flatMap(({ streams }) => streams),
        ({ name }) => name,
      ),
    },
    batch: channels.map(({ batch }) => batch).find((batch) => batch !== undefined),
    joinsMessages: channels.some(({ joinsMessages }) => joinsMessages),
  };
  const operations = contract.operations.map((operation) =>
    ids.includes(operation.channel) ? { ...operation, channel: channel.id } : operation,
  );
  const merged = {
    ...contract,
    channels: contract.channels.flatMap((other) => (other === first ? [channel] : ids.includes(other.id) ? [] : [other])),
    operations,
  };
  return { contract: { ...merged, messages: tagsAmong(merged) }, channel };
}

function unique<T>(items: readonly T[], key: (item: T) => unknown): T[] {
  const seen = new Map<unknown, T>();
  for (const item of items) if (!seen.has(key(item))) seen.set(key(item), item);
  return [...seen.values()];
}
