import { describe, expect, test } from "vitest";
import { bearerToken, decideUpgrade, encodeRefusal, type UpgradeFacts, type UpgradeRules } from "./handshake.ts";

const good: UpgradeFacts = {
  target: "/ws",
  httpVersion: "1.1",
  host: "localhost",
  upgrade: "websocket",
  version: "13",
  origin: undefined,
  offered: "rooms.v1",
  authorization: "Bearer header.token",
};
const rules: UpgradeRules = { isDraining: false, allowedOrigins: ["https://app.example"], retryAfterSeconds: 5 };
const decide = (facts: Partial<UpgradeFacts>, changes: Partial<UpgradeRules> = {}) =>
  decideUpgrade({ ...good, ...facts }, { ...rules, ...changes });
const base64url = (text: string) => Buffer.from(text).toString("base64url");

describe("decideUpgrade", () => {
  test("accepts a valid handshake, and names the subprotocol", () => {
    expect(decide({})).toEqual({ kind: "accept", subprotocol: "rooms.v1", credential: "header.token" });
  });

  test.each([
    ["another path", { target: "/wss" }, {}, 404],
    ["a path below", { target: "/ws/" }, {}, 404],
    ["another upgrade", { upgrade: "h2c" }, {}, 426],
    ["no upgrade", { upgrade: undefined }, {}, 426],
    ["an old version", { version: "8" }, {}, 426],
    ["a foreign origin", { origin: "https://evil.example" }, {}, 403],
    ["the null origin", { origin: "null" }, {}, 403],
    ["a look-alike origin", { origin: "https://app.example.evil.example" }, {}, 403],
    ["draining", {}, { isDraining: true }, 503],
    ["the path before all else", { target: "/x", upgrade: "h2c", origin: "https://evil.example" }, { isDraining: true }, 404],
    ["the origin before the drain", { origin: "https://evil.example" }, { isDraining: true }, 403],
  ] as const)("refuses %s in HTTP", (_, facts, changes, status) => {
    expect(decide(facts, changes)).toMatchObject({ kind: "refuse", status });
  });

  test("allows a missing Origin, a listed one in any case, and any with *", () => {
    expect(decide({ origin: undefined }).kind).toBe("accept");
    expect(decide({ origin: "https://APP.example" }).kind).toBe("accept");
    expect(decide({ origin: "https://evil.example" }, { allowedOrigins: ["*"] }).kind).toBe("accept");
  });

  test.each([undefined, "", "rooms.v2", "ROOMS.V1", "bearer.abc"])("accepts and closes 4406 when offered %s", (offered) => {
    expect(decide({ offered })).toMatchObject({ kind: "close", code: 4406 });
  });

  test("looks for the token in the header, then the subprotocol, then the query", () => {
    const offered = `rooms.v1, bearer.${base64url("pair.token")}`;
    const target = "/ws?token=query.token";
    expect(decide({ offered, target })).toMatchObject({ credential: "header.token" });
    expect(decide({ offered, target, authorization: undefined })).toMatchObject({ credential: "pair.token" });
    expect(decide({ offered, target, authorization: "Basic YTpi" })).toMatchObject({ credential: "pair.token" });
    expect(decide({ target, authorization: undefined })).toMatchObject({ credential: "query.token" });
    expect(decide({ target: "/ws?token=", authorization: undefined })).toMatchObject({ kind: "accept", credential: undefined });
  });

  test("a refusal is a complete HTTP response", () => {
    const refusal = decide({}, { isDraining: true });
    if (refusal.kind !== "refuse") throw new Error("accepted");
    expect(encodeRefusal(refusal)).toBe(
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n" +
        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 20\r\n\r\nThe server restarts.",
    );
    const upgrade = decide({ version: "8" });
    if (upgrade.kind !== "refuse") throw new Error("accepted");
    expect(encodeRefusal(upgrade)).toMatch(
      /426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13/,
    );
  });

  test("the bearer scheme is case-insensitive", () => {
    expect(["Bearer a", "bearer a", "BEARER  a", "Basic a", "Bearera", undefined].map(bearerToken)).toEqual([
      "a",
      "a",
      "a",
      undefined,
      undefined,
      undefined,
    ]);
  });
});
