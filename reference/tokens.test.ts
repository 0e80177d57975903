import { createSecretKey } from "node:crypto";
import { SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { createManualClock } from "./clock.ts";
import { createTokenVerifier } from "./tokens.ts";

const secret = "0123456789abcdef0123456789abcdef";
const clock = createManualClock();
const verify = createTokenVerifier(secret, clock);
const nowSeconds = clock.dateMs() / 1000;

function sign(claims: Record<string, unknown>, { alg = "HS256", key = secret } = {}): Promise<string> {
  const payload = { sub: "ada", aud: "rooms.v1", exp: nowSeconds + 60, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg }).sign(createSecretKey(key, "utf8"));
}
const unsigned = (header: object) =>
  `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${Buffer.from(JSON.stringify({ sub: "ada", aud: "rooms.v1", exp: nowSeconds + 60 })).toString("base64url")}.`;

describe("a token", () => {
  test("gives the identity and its expiry", async () => {
    expect(await verify(await sign({ username: "Ada", roles: ["publisher", 7] }))).toEqual({
      userId: "ada",
      username: "Ada",
      roles: ["publisher"],
      expiresAtMs: (nowSeconds + 60) * 1000,
    });
    expect(await verify(await sign({}))).toMatchObject({ userId: "ada", username: "ada", roles: [] });
  });

  test("that expires after year 9999 expires at its end", async () => {
    expect(await verify(await sign({ exp: 1e15 }))).toMatchObject({ expiresAtMs: Date.UTC(9999, 11, 31, 23, 59, 59, 999) });
  });

  test.each([
    ["expired", sign({ exp: nowSeconds - 1 }), "expired"],
    ["not yet valid", sign({ nbf: nowSeconds + 10 }), "invalid"],
    ["without exp", sign({ exp: undefined }), "invalid"],
    ["without sub", sign({ sub: undefined }), "invalid"],
    ["with an empty sub", sign({ sub: "" }), "invalid"],
    ["with a long sub", sign({ sub: "x".repeat(129) }), "invalid"],
    ["with a username that is no text", sign({ username: 7 }), "invalid"],
    ["for another audience", sign({ aud: "others" }), "invalid"],
    ["of another key", sign({}, { key: "another secret of at least 32 bytes" }), "invalid"],
    ["unsigned", Promise.resolve(unsigned({ alg: "none" })), "invalid"],
    ["with a critical header", Promise.resolve(unsigned({ alg: "HS256", crit: ["x"], x: 1 })), "invalid"],
    ["empty", Promise.resolve(""), "invalid"],
    ["garbage", Promise.resolve("a.b.c"), "invalid"],
  ])("%s is refused", async (_, token, answer) => {
    expect(await verify(await token)).toBe(answer);
  });
  test("of another algorithm is rejected, even with the right key", async () => {
    const longSecret = secret.repeat(2);
    const verifyLong = createTokenVerifier(longSecret, clock);
    expect(await verifyLong(await sign({}, { key: longSecret }))).toMatchObject({ userId: "ada" });
    for (const alg of ["HS384", "HS512"]) expect(await verifyLong(await sign({}, { alg, key: longSecret }))).toBe("invalid");
  });
});
