// The server under load: one whose URL is given, or the reference, started with limits that a load does not meet.
import type { Auth } from "../client/credentials.ts";
import { startCluster, withoutLimits } from "../testbed/nodes.ts";
import { startReferenceProcess } from "../testbed/reference-process.ts";

export interface LoadTarget {
  readonly urls: readonly string[];
  readonly auth: Auth;
  /** Undefined where it is not known. */
  readonly pid: number | undefined;
  /** What a reader of the result should know. */
  readonly notes: readonly string[];
  stop(): Promise<void>;
}

const plenty = "1000000";
/** Beside `withoutLimits`: connections and members as many as a load wants. */
const forLoad: Readonly<Record<string, string>> = {
  ...withoutLimits,
  HEARTBEAT_INTERVAL_MS: "10000",
  MEMBERS_PER_ROOM: plenty,
  CONNECTIONS_PER_USER: plenty,
  ROOMS_PER_CONNECTION: plenty,
  PING_BURST: plenty,
  PING_PER_SECOND: plenty,
};

export interface TargetChoice {
  /** Empty: the reference server. */
  readonly urls: readonly string[];
  readonly auth: Auth;
  readonly pid: number | undefined;
  /** Of the reference server, behind one Redis; undefined: one, without Redis. */
  readonly nodes: number | undefined;
}

/** @throws UsageError, TargetLost */
export async function openTarget(settings: TargetChoice, path: string): Promise<LoadTarget> {
  const { urls, auth, pid, nodes } = settings;
  if (urls.length > 0) return { urls, auth, pid, notes: [], stop: async () => undefined };
  const notes = ["the reference server ran with its rate limits and queue bounds raised"];
  if (nodes !== undefined) {
    const cluster = await startCluster({ count: nodes, path, env: forLoad });
    return {
      urls: cluster.nodes.map(({ url }) => url),
      auth: { secret: cluster.secret },
      pid: undefined,
      notes: [...notes, `${nodes} nodes of it behind one Redis`],
      stop: () => cluster.stop(),
    };
  }
  const server = await startReferenceProcess({ path, env: forLoad });
  return { urls: [server.url], auth: { secret: server.secret }, pid: server.pid, notes, stop: () => server.stop() };
}
