import { describe, expect, test } from "vitest";
import { limits, rateLimits } from "../generated/protocol.gen.ts";
import { type ConfigError, configHelp, readConfig } from "./config.ts";

const secret = "0123456789abcdef0123456789abcdef";

function mistakes(env: Record<string, string>, dev = false): readonly string[] {
  try {
    readConfig(env, { dev });
    return [];
  } catch (error) {
    return (error as ConfigError).mistakes;
  }
}

describe("the settings", () => {
  test("default to the document's values", () => {
    const config = readConfig({ JWT_SECRET: secret }, { dev: false });
    expect(config.limits).toEqual(Object.fromEntries(Object.entries(limits).map(([name, { value }]) => [name, value])));
    expect(config.rates.publish).toEqual({ burst: rateLimits.publish.burst, perSecond: rateLimits.publish.perSecond });
    expect(config).toMatchObject({ host: "127.0.0.1", port: 8080, metricsPort: undefined, allowedOrigins: undefined });
  });

  test("are read from the environment", () => {
    const env = {
      JWT_SECRET: secret,
      PORT: "0",
      MESSAGE_BYTES: "1024",
      PUBLISH_USER_PER_SECOND: "0.5",
      HEARTBEAT_INTERVAL_MS: "200",
    };
    const config = readConfig(env, { dev: false });
    expect(config.port).toBe(0);
    expect(config.limits.messageBytes).toBe(1024);
    expect(config.rates.publishUser.perSecond).toBe(0.5);
    expect(config.heartbeat.intervalMs).toBe(200);
  });

  test("report every mistake at once, with the variable, what is allowed and the value", () => {
    expect(mistakes({ PORT: "http", MESSAGE_BYTES: "1.5", LOG_LEVEL: "loud", DRAIN_MS: "-1", REDIS_URL: "localhost" })).toEqual([
      expect.stringMatching(/^JWT_SECRET: .*32 bytes.*openssl/),
      expect.stringMatching(/^REDIS_URL: .*redis:/),
      'PORT: expected a whole number from 0 to 65535, got "http"',
      'LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent, got "loud"',
      'DRAIN_MS: expected a whole number from 0 to 10000 ms, got "-1"',
      'MESSAGE_BYTES: expected a whole number from 1 to 1073741824, got "1.5"',
    ]);
  });

  test("require a secret of 32 bytes, except with --dev", () => {
    expect(mistakes({})).toHaveLength(1);
    expect(mistakes({ JWT_SECRET: "short" })).toEqual(["JWT_SECRET: expected at least 32 bytes, got 5"]);
    expect(mistakes({ JWT_SECRET: "short" }, true)).toHaveLength(1);
    expect(mistakes({}, true)).toEqual([]);
  });

  test("accept only origins, and any origin only with --dev", () => {
    expect(mistakes({ ALLOWED_ORIGINS: "*" }, true)).toEqual([]);
    expect(mistakes({ JWT_SECRET: secret, ALLOWED_ORIGINS: "*" })).toHaveLength(1);
    expect(mistakes({ JWT_SECRET: secret, ALLOWED_ORIGINS: "https://a.example/, b.example, https://c.example" })).toHaveLength(2);
  });

  test("are all listed by --help", () => {
    for (const name of ["PORT", "MESSAGE_BYTES", "TOKEN_GRACE_MS", "PING_PER_SECOND"])
      expect(configHelp()).toContain(`  ${name} `);
  });
});
