// The URLs of Redis: one, or several nodes of a Redis Cluster.

export interface RedisUrls {
  /** At least one. */
  readonly urls: readonly string[];
  readonly database: number;
}

/**
 * Reads REDIS_URL: one URL, or several with commas between them, of which any may be asked for the other nodes of the Redis Cluster.
 * @throws Error that names REDIS_URL and echoes it without its password
 */
export function parseRedisUrls(text: string): RedisUrls {
  const urls = text.split(/,(?=rediss?:|unix:)/);
  const databases = urls.map((url) => parseRedisUrl(url));
  if (urls.length > 1 && (databases.some((database) => database !== 0) || urls.some((url) => url.startsWith("unix:")))) {
    throw new Error(
      `REDIS_URL: expected several redis:// or rediss:// URLs without a database, as nodes of one Redis Cluster, got "${hidePassword(text)}"`,
    );
  }
  return { urls, database: databases[0]! };
}

/** @returns the number of the URL's database */
function parseRedisUrl(url: string): number {
  const form = /^rediss?:\/\/[^/?#,]+(?:\/(\d{0,4}))?$|^unix:\/\/[^?#]*\/[^?#]+(?:\?db=(\d{1,4}))?$/.exec(url);
  if (form === null || !(url.startsWith("unix:") || URL.canParse(url))) {
    const expected = "redis://[user:password@]host[:port][/database], rediss:// with TLS, or unix:///path[?db=number]";
    throw new Error(`REDIS_URL: expected ${expected}, got "${hidePassword(url)}"`);
  }
  return Number(form[1] ?? form[2] ?? 0);
}

/** The URL of another node that is reached as this one is: the same user, password and TLS. @param host a name, or an address of either kind */
export function urlOfNode(url: string, host: string, port: number): string {
  const other = new URL(url);
  other.hostname = host.includes(":") ? `[${host}]` : host;
  other.port = `${port}`;
  return other.href;
}

export function hidePassword(urls: string): string {
  return urls.replace(/\/\/[^@/]*@/g, "//***@");
}
