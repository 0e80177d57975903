// Which tokens are accepted, and that jose, an independent implementation, agrees.
import { createHmac, createSecretKey } from "node:crypto";
import fc from "fast-check";
import { errors, jwtVerify, SignJWT } from "jose";
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
      tokenId: undefined,
      issuedAtSeconds: 0,
    });
    expect(await verify(await sign({ jti: "t1", iat: 7 }))).toMatchObject({ tokenId: "t1", issuedAtSeconds: 7 });
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
    ["with a control character in its sub", sign({ sub: "a\u0007" }), "invalid"],
    ["with a lone surrogate in its sub", sign({ sub: "a\ud800" }), "invalid"],
    ["with a control character in its username", sign({ username: "a\nb" }), "invalid"],
    ["with a long username", sign({ username: "x".repeat(129) }), "invalid"],
    ["with a username that is no text", sign({ username: 7 }), "invalid"],
    ["with an exp that is no number", sign({ exp: "tomorrow" }), "invalid"],
    ["with an iat that is no number", sign({ iat: "now" }), "invalid"],
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

/** A token of any header and payload with a right signature. */
function signRaw(header: string, payload: string): string {
  const signed = `${Buffer.from(header).toString("base64url")}.${Buffer.from(payload).toString("base64url")}`;
  return `${signed}.${createHmac("sha256", createSecretKey(secret, "utf8")).update(signed).digest("base64url")}`;
}

/** What jose says of a token, in our words. */
async function byJose(token: string): Promise<"valid" | "expired" | "invalid"> {
  try {
    const options = { algorithms: ["HS256"], audience: "rooms.v1", requiredClaims: ["sub", "exp", "aud"] };
    await jwtVerify(token, createSecretKey(secret, "utf8"), { ...options, currentDate: new Date(clock.dateMs()) });
    return "valid";
  } catch (error) {
    return error instanceof errors.JWTExpired ? "expired" : "invalid";
  }
}

const claim = (...values: unknown[]) => fc.constantFrom(undefined, ...values);
const payloads = fc.record({
  sub: fc.constant("ada"),
  aud: claim("rooms.v1", "others", ["others", "rooms.v1"], [], 7, null),
  exp: claim(nowSeconds + 60, nowSeconds, nowSeconds - 1, nowSeconds + 0.5, "soon", null),
  nbf: claim(nowSeconds, nowSeconds + 1, nowSeconds - 1, "then", null),
  iat: claim(nowSeconds, 0, "then", null),
});
const headers = fc.constantFrom(
  ...[
    '{"alg":"HS256"}',
    '{"alg":"HS256","typ":"JWT"}',
    '{"alg":"none"}',
    '{"alg":"HS512"}',
    '{"alg":["HS256"]}',
    "{}",
    "[]",
    "null",
    "x",
  ],
  ...['{"alg":"HS256","crit":["exp"]}', '{"alg":"HS256","crit":[]}', '{"alg":"HS256","crit":["b64"],"b64":true}'],
);

test("jose accepts whatever is accepted, and says the same of each token whose claims may be wrong", async () => {
  await fc.assert(
    fc.asyncProperty(headers, payloads, async (header, payload) => {
      const token = signRaw(header, JSON.stringify(payload));
      const own = verify(token);
      const [mine, theirs] = [typeof own === "string" ? own : "valid", await byJose(token)];
      // jose knows the critical extension b64; here every extension is unknown.
      if (header.includes("crit")) expect(mine).toBe("invalid");
      // Where several things are wrong, which one is named does not matter.
      else if (mine === "valid" || theirs === "valid") expect(mine).toBe(theirs);
    }),
    { numRuns: 1_000 },
  );
});

test("no change of a valid token is accepted", async () => {
  const token = await sign({});
  const change = fc.tuple(fc.nat(token.length), fc.nat(2), fc.constantFrom("", "A", "=", ".", " ", "-", "\0", "\u00e9"));
  fc.assert(
    fc.property(change, ([at, removed, inserted]) => {
      const changed = token.slice(0, at) + inserted + token.slice(at + removed);
      if (changed !== token) expect(verify(changed)).toBe("invalid");
    }),
    { numRuns: 2_000 },
  );
});

test("a revoked token is refused, a forged one is not even looked up", async () => {
  const asked: string[] = [];
  const checking = createTokenVerifier(secret, clock, ({ tokenId }) => {
    asked.push(tokenId ?? "");
    return tokenId === "bad";
  });
  expect([checking(await sign({ jti: "bad" })), checking("a.b.c")]).toEqual(["revoked", "invalid"]);
  expect(checking(await sign({ jti: "good" }))).toMatchObject({ tokenId: "good" });
  expect(asked).toEqual(["bad", "good"]);
});
