// What kind of Redis answers, and whether it can keep the hub's promises.
import type { RedisClientType } from "redis";
import { hidePassword } from "./url.ts";

export type Client = RedisClientType;

/** This Redis cannot be used as it is; the message says why and what to change. */
export class UnfitRedis extends Error {
  override readonly name = "UnfitRedis";
}

export interface ServerInfo {
  readonly version: string;
  /** Changes with every start of the process. */
  readonly runId: string;
  /** Whether a restart of this Redis loses nothing that it has acknowledged. */
  readonly isDurable: boolean;
}

const format = "wsproof rooms 1";

/**
 * Looks at the Redis behind a new connection.
 * @param formatKey a string of ours stands there, or nothing yet; undefined where this is not the process that has it
 * @throws UnfitRedis where it is too old, a replica, drops keys when full, or holds foreign data under our keys
 */
export async function inspectServer(client: Client, formatKey: string | undefined): Promise<ServerInfo> {
  const text = await client.sendCommand<string>(["INFO"]);
  const info = new Map(
    String(text)
      .split("\r\n")
      .map((line) => line.split(":", 2) as [string, string]),
  );
  const of = (name: string): string => info.get(name) ?? "";
  const version = of("valkey_version") || of("redis_version");
  // Valkey counts as the Redis 7.2 that it says it is.
  if (Number.parseInt(of("redis_version"), 10) < 7) {
    throw new UnfitRedis(`Redis ${version} is too old: sharded pub/sub needs Redis 7.0 or later, or Valkey`);
  }
  if (of("role") !== "master") {
    throw new UnfitRedis("this Redis is a read-only replica: give the URL of its primary");
  }
  const policy = of("maxmemory_policy");
  if (of("maxmemory") !== "0" && policy !== "noeviction") {
    throw new UnfitRedis(
      `Redis drops keys when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy to noeviction`,
    );
  }
  if (formatKey !== undefined) await claimFormat(client, formatKey);
  return {
    version,
    runId: of("run_id"),
    isDurable: await keepsEveryWrite(client, of("second_repl_offset")),
  };
}

async function claimFormat(client: Client, key: string): Promise<void> {
  let found: string | null;
  try {
    found = await client.sendCommand<string | null>(["SET", key, format, "NX", "GET"]);
  } catch (error) {
    if (!(error as Error).message.startsWith("WRONGTYPE")) throw error;
    found = "another type of key";
  }
  if (found !== null && found !== format) {
    throw new UnfitRedis(
      `foreign data under ${key}: expected "${format}", got ${JSON.stringify(found.slice(0, 40))}: use another database or remove the key`,
    );
  }
}

/** Only `appendfsync always` keeps what was acknowledged; a replica that was promoted may lack the end of it. */
async function keepsEveryWrite(client: Client, secondReplOffset: string): Promise<boolean> {
  try {
    const config = await client.sendCommand<Record<string, string> | string[]>(["CONFIG", "GET", "append*"]);
    const pairs = Array.isArray(config)
      ? new Map(config.flatMap((name, at) => (at % 2 === 0 ? [[name, config[at + 1] ?? ""] as const] : [])))
      : config instanceof Map
        ? (config as Map<string, string>)
        : new Map(Object.entries(config));
    return pairs.get("appendonly") === "yes" && pairs.get("appendfsync") === "always" && secondReplOffset === "-1";
  } catch {
    // Hosted ones forbid CONFIG: then nobody can say.
    return false;
  }
}

/** The connection's trouble in a sentence for a log: what it means, and what to do. */
export function explainRedisError(error: unknown, url: string): string {
  const message = error instanceof Error ? error.message || ((error as NodeJS.ErrnoException).code ?? error.name) : String(error);
  if (error instanceof UnfitRedis) return message;
  const where = hidePassword(url);
  if (/ECONNREFUSED|ENOENT|ECONNRESET|EHOSTUNREACH|ETIMEDOUT|Connection timeout|Socket closed/.test(message))
    return `no Redis answers at ${where} (${message})`;
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) return `the host of ${where} has no address (${message})`;
  if (/WRONGPASS|NOAUTH|NOPERM/.test(message))
    return `Redis at ${where} refuses user or password: check REDIS_URL (${message.split(" ")[0]})`;
  if (/unknown command.*HELLO/i.test(message))
    return `Redis at ${where} is too old: sharded pub/sub needs Redis 7.0 or later, or Valkey`;
  if (/^OOM/.test(message)) return `Redis at ${where} is out of memory: raise maxmemory or remove what fills it`;
  if (/^READONLY/.test(message)) return `Redis at ${where} is a read-only replica: give the URL of its primary`;
  if (/^MISCONF/.test(message)) return `Redis at ${where} cannot save to its disk and refuses writes`;
  if (/^(WRONGTYPE|FOREIGN)/.test(message)) return `foreign data under the hub's keys: ${message}`;
  if (/^(MOVED|ASK|TRYAGAIN)/.test(message)) return `slots of the Redis Cluster are moving away from ${where}`;
  if (/^CLUSTERDOWN/.test(message))
    return `the Redis Cluster of ${where} is down: a master is missing, and cluster-require-full-coverage is not no`;
  if (/^LOADING/.test(message)) return `Redis at ${where} is still loading its data`;
  return `Redis at ${where}: ${message}`;
}
