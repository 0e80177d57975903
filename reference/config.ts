// The server's settings, read from the environment. One table defines every variable for reading, checking and --help.
import { heartbeat, limits, protocol, rateLimits } from "../generated/protocol.gen.ts";
import { parseRedisUrls } from "./hub/redis/url.ts";
import type { Rate } from "./limiter.ts";
import type { TlsFiles } from "./tls.ts";

export type LimitName = keyof typeof limits;
export type RateName = keyof typeof rateLimits;
export type LogLevel = (typeof logLevels)[number];

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
const minSecretBytes = 32;

export interface Config {
  /** Development mode: a random secret when none is set, and `*` allows any Origin. */
  readonly dev: boolean;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** undefined: metrics are on `port`. */
  readonly metricsPort: number | undefined;
  /** undefined: without TLS. */
  readonly tls: TlsFiles | undefined;
  /** undefined only with `dev`. */
  readonly jwtSecret: string | undefined;
  /** undefined: this server on localhost. `*` alone: any. */
  readonly allowedOrigins: readonly string[] | undefined;
  readonly trustedProxyHops: number;
  readonly logLevel: LogLevel;
  /** One log line per connection, close, refused upgrade and HTTP publish. */
  readonly accessLog: boolean;
  readonly revocationsFile: string | undefined;
  /** undefined: the memory hub. */
  readonly redisUrl: string | undefined;
  /** TCP sockets, in whatever state. */
  readonly maxConnections: number;
  /** undefined: maxConnections. */
  readonly connectionsPerAddress: number | undefined;
  readonly headersTimeoutMs: number;
  readonly drainMs: number;
  readonly reconnectWithinMs: number;
  readonly eventsPerRoom: number;
  readonly keepRoomMs: number;
  readonly heartbeat: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly rates: Readonly<Record<RateName, Rate>>;
}

/** Every mistake of the environment, one per line, each with the variable and what is allowed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

interface Variable {
  readonly name: string;
  readonly about: string;
  /** Used when the variable is not set; undefined: optional. */
  readonly fallback: string | undefined;
  readonly unit?: string;
  /** For numbers. */
  readonly range?: readonly [min: number, max: number];
  readonly fraction?: boolean;
  readonly choices?: readonly string[];
}

const day = 86_400_000;
const general: readonly Variable[] = [
  { name: "HOST", about: "Address to listen on.", fallback: "127.0.0.1" },
  { name: "PORT", about: "Port to listen on; 0: any free port.", fallback: "8080", range: [0, 65_535] },
  { name: "METRICS_PORT", about: "Separate port for /metrics; default: PORT.", fallback: undefined, range: [0, 65_535] },
  { name: "TLS_CERT", about: "PEM file with the certificate: https and wss. Read again when it changes.", fallback: undefined },
  { name: "TLS_KEY", about: "PEM file with the key of TLS_CERT.", fallback: undefined },
  {
    name: "JWT_SECRET",
    about: `Secret that tokens are signed with, at least ${minSecretBytes} bytes. --dev generates one.`,
    fallback: undefined,
  },
  {
    name: "ALLOWED_ORIGINS",
    about: "Origins of pages that may connect, separated by commas. Default: this server on localhost. `*` only with --dev.",
    fallback: undefined,
  },
  { name: "TRUSTED_PROXY_HOPS", about: "Number of trusted proxies that set X-Forwarded-For.", fallback: "0", range: [0, 10] },
  {
    name: "REVOCATIONS_FILE",
    about: 'Revoked tokens, as JSON: {"tokens": [jti], "notBefore": {"user": seconds}}. It may change at run time.',
    fallback: undefined,
  },
  { name: "ACCESS_LOG", about: "Logs user and address of each connection and publish.", fallback: "off", choices: ["on", "off"] },
  { name: "LOG_LEVEL", about: "Minimum level of log lines.", fallback: "info", choices: logLevels },
  {
    name: "REDIS_URL",
    about: "Redis that several nodes share, or nodes of a Redis Cluster separated by commas. Default: everything in memory.",
    fallback: undefined,
  },
  {
    name: "MAX_CONNECTIONS",
    about: "Most sockets of this node. More are closed with 1013; above 105 % they are reset.",
    fallback: "100000",
    range: [1, 1e7],
  },
  {
    name: "CONNECTIONS_PER_ADDRESS",
    about: "Sockets of one client address, or IPv6 /64 network; more are closed with 1013. Default: MAX_CONNECTIONS.",
    fallback: undefined,
    range: [1, 1e7],
  },
  {
    name: "HEADERS_TIMEOUT_MS",
    about: "Timeout for the headers of a request.",
    fallback: "10000",
    unit: "ms",
    range: [100, 600_000],
  },
  { name: "DRAIN_MS", about: "Time over which a shutdown spreads its closes.", fallback: "5000", unit: "ms", range: [0, 10_000] },
  {
    name: "RECONNECT_WITHIN_MS",
    about: "Time over which clients spread their reconnects after a shutdown.",
    fallback: "5000",
    unit: "ms",
    range: [0, 600_000],
  },
  { name: "EVENTS_PER_ROOM", about: "Events of a room kept for `since`.", fallback: "1000", range: [0, 100_000] },
  {
    name: "KEEP_ROOM_MS",
    about: "How long the log of a room without members is kept.",
    fallback: "120000",
    unit: "ms",
    range: [0, day],
  },
];

const heartbeats: readonly Variable[] = [
  {
    name: "HEARTBEAT_INTERVAL_MS",
    about: "Time between WebSocket pings.",
    fallback: `${heartbeat.intervalMs}`,
    unit: "ms",
    range: [20, day],
  },
  {
    name: "HEARTBEAT_TIMEOUT_MS",
    about: "Timeout for the answer to a ping.",
    fallback: `${heartbeat.timeoutMs}`,
    unit: "ms",
    range: [10, day],
  },
];

const limitNames = Object.keys(limits) as LimitName[];
const rateNames = Object.keys(rateLimits) as RateName[];

function limitVariable(name: LimitName): Variable {
  const limit = limits[name];
  const isTime = limit.kind === "credential-grace";
  const about = limit.description.replaceAll("`", "");
  const range = [isTime || limit.kind === "errors" ? 0 : 1, isTime ? day : 2 ** 30] as const;
  return { name: shout(name), about, fallback: `${limit.value}`, range, ...(isTime && { unit: "ms" }) };
}

function rateVariables(name: RateName): readonly Variable[] {
  const { burst, perSecond, description } = rateLimits[name];
  const about = description.replaceAll("`", "");
  return [
    { name: `${shout(name)}_BURST`, about: `${about} Burst.`, fallback: `${burst}`, range: [1, 1e9] },
    {
      name: `${shout(name)}_PER_SECOND`,
      about: `${about} Sustained.`,
      fallback: `${perSecond}`,
      unit: "/s",
      range: [0.001, 1e9],
      fraction: true,
    },
  ];
}

/** `messageBytes` -> `MESSAGE_BYTES` */
function shout(name: string): string {
  return name.replace(/[A-Z]/g, "_$&").toUpperCase();
}

const variables = [...general, ...heartbeats, ...limitNames.map(limitVariable), ...rateNames.flatMap(rateVariables)];

/** The table of variables, as text for a terminal. */
export function configHelp(): string {
  const rows = variables.map(({ name, about, fallback, unit, range, choices }) => {
    const allowed = range ? `${range[0]} to ${range[1]}${unit ? ` ${unit}` : ""}` : (choices?.join(", ") ?? "");
    const facts = [fallback === undefined ? "" : `default ${fallback}`, allowed].filter((fact) => fact !== "");
    return `  ${name.padEnd(28)}${about}${facts.length > 0 ? ` (${facts.join("; ")})` : ""}`;
  });
  return [
    `The reference server of ${protocol.title}. Settings come from the environment:`,
    "",
    ...rows,
    "",
    "  NODE_OPTIONS                wsproof serve bounds V8's young generation, so that an idle connection costs less memory",
    "                              (default --max-semi-space-size=2, in MiB; 16 is Node's own and accepts connections faster)",
    "",
    "  --dev   development mode: generates a secret, prints a token",
    "  --help  prints this help",
  ].join("\n");
}

/**
 * @throws ConfigError with every mistake at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>, { dev }: { readonly dev: boolean }): Config {
  const mistakes: string[] = [];
  const byName = new Map(variables.map((variable) => [variable.name, variable]));

  function text(name: string): string | undefined {
    const { fallback, choices } = byName.get(name)!;
    const value = env[name] === undefined || env[name] === "" ? fallback : env[name];
    if (choices && value !== undefined && !choices.includes(value)) {
      mistakes.push(`${name}: expected one of ${choices.join(", ")}, got "${value}"`);
    }
    return value;
  }
  function number(name: string): number | undefined {
    const value = text(name);
    if (value === undefined) return undefined;
    const { range = [0, Number.MAX_SAFE_INTEGER], unit, fraction } = byName.get(name)!;
    const [min, max] = range;
    const parsed = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    if (parsed >= min && parsed <= max && (fraction || Number.isInteger(parsed))) return parsed;
    const kind = fraction ? "number" : "whole number";
    mistakes.push(`${name}: expected a ${kind} from ${min} to ${max}${unit ? ` ${unit}` : ""}, got "${value}"`);
    return min;
  }

  const jwtSecret = text("JWT_SECRET");
  if (jwtSecret === undefined && !dev) {
    mistakes.push(
      `JWT_SECRET: expected a secret of at least ${minSecretBytes} bytes, got nothing. Make one with: openssl rand -base64 48`,
    );
  } else if (jwtSecret !== undefined && Buffer.byteLength(jwtSecret) < minSecretBytes) {
    mistakes.push(`JWT_SECRET: expected at least ${minSecretBytes} bytes, got ${Buffer.byteLength(jwtSecret)}`);
  }
  const allowedOrigins = text("ALLOWED_ORIGINS")
    ?.split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "");
  for (const origin of allowedOrigins ?? []) {
    if (origin === "*" && dev && allowedOrigins?.length === 1) continue;
    const fix = origin === "*" ? "name the origins (`*` alone is for --dev)" : "such as https://app.example.com, without a path";
    if (!isOrigin(origin)) mistakes.push(`ALLOWED_ORIGINS: expected origins, got "${origin}": ${fix}`);
  }
  const [cert, key] = [text("TLS_CERT"), text("TLS_KEY")];
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ["TLS_KEY", "TLS_CERT"] : ["TLS_CERT", "TLS_KEY"];
    mistakes.push(`${missing}: expected a file, because ${given} is set, got nothing`);
  }
  const redisUrl = text("REDIS_URL");
  try {
    if (redisUrl !== undefined) parseRedisUrls(redisUrl);
  } catch (error) {
    mistakes.push((error as Error).message);
  }

  const config: Config = {
    dev,
    host: text("HOST")!,
    port: number("PORT")!,
    metricsPort: number("METRICS_PORT"),
    tls: cert === undefined || key === undefined ? undefined : { cert, key },
    jwtSecret,
    allowedOrigins,
    trustedProxyHops: number("TRUSTED_PROXY_HOPS")!,
    logLevel: text("LOG_LEVEL") as LogLevel,
    accessLog: text("ACCESS_LOG") === "on",
    revocationsFile: text("REVOCATIONS_FILE"),
    redisUrl,
    maxConnections: number("MAX_CONNECTIONS")!,
    connectionsPerAddress: number("CONNECTIONS_PER_ADDRESS"),
    headersTimeoutMs: number("HEADERS_TIMEOUT_MS")!,
    drainMs: number("DRAIN_MS")!,
    reconnectWithinMs: number("RECONNECT_WITHIN_MS")!,
    eventsPerRoom: number("EVENTS_PER_ROOM")!,
    keepRoomMs: number("KEEP_ROOM_MS")!,
    heartbeat: { intervalMs: number("HEARTBEAT_INTERVAL_MS")!, timeoutMs: number("HEARTBEAT_TIMEOUT_MS")! },
    limits: Object.fromEntries(limitNames.map((name) => [name, number(shout(name))])) as Config["limits"],
    rates: Object.fromEntries(
      rateNames.map((name) => [name, { burst: number(`${shout(name)}_BURST`), perSecond: number(`${shout(name)}_PER_SECOND`) }]),
    ) as Config["rates"],
  };
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
