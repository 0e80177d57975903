// Revocation: read from a file, checked at the handshake, over HTTP, and for live connections when the file changes.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { readRevocations } from "./revocations.ts";
import { startTestServer, TestClient, type TestServer, testToken } from "./testing/in-process-server.ts";

const folder = mkdtempSync(join(tmpdir(), "wsproof-revocations-"));
const file = join(folder, "revoked.json");
let server: TestServer | undefined;
afterEach(async () => {
  await server?.drain();
  server = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Replaces the file in one step, as a deployment does. */
function write(content: unknown): void {
  writeFileSync(`${file}.new`, typeof content === "string" ? content : JSON.stringify(content));
  renameSync(`${file}.new`, file);
}

const identity = (userId: string, tokenId?: string, issuedAtSeconds = 0) => ({
  userId,
  username: userId,
  roles: [],
  expiresAtMs: 0,
  tokenId,
  issuedAtSeconds,
});

test("revokes tokens by id, and those of a user that were issued before a time", () => {
  write({ tokens: ["t1"], notBefore: { ada: 100 } });
  const { isRevoked } = readRevocations(file);
  expect([isRevoked(identity("bob", "t1")), isRevoked(identity("bob", "t2")), isRevoked(identity("bob"))]).toEqual([
    true,
    false,
    false,
  ]);
  expect([99, 100, 101].map((seconds) => isRevoked(identity("ada", "t2", seconds)))).toEqual([true, false, false]);
  expect([isRevoked(identity("ada")), isRevoked(identity("__proto__"))]).toEqual([true, false]);
});

test.each([
  ["no JSON", "{", /REVOCATIONS_FILE: expected JSON/],
  ["a list", [], /expected an object/],
  ["another member", { token: [] }, /expected tokens and notBefore, got "token"/],
  ["ids that are no texts", { tokens: [7] }, /expected tokens to be a list of texts/],
  ["times that are no numbers", { notBefore: { ada: "now" } }, /expected notBefore to be seconds/],
])("names the mistake of %s", (_, content, message) => {
  write(content);
  expect(() => readRevocations(file)).toThrow(message);
});

test("names a file that is not there", () => {
  expect(() => readRevocations(join(folder, "none.json"))).toThrow(/REVOCATIONS_FILE: .*ENOENT/);
});

test("closes live connections whose token is revoked, and refuses it from then on", async () => {
  write({});
  server = await startTestServer({ REVOCATIONS_FILE: file });
  const connect = async (user: string, claims: Record<string, unknown>) =>
    new TestClient(`${server!.ws}?token=${await testToken(user, claims)}`);
  const [stolen, other] = [await connect("ada", { jti: "stolen" }), await connect("ada", { jti: "fresh", iat: 2_000 })];
  for (const client of [stolen, other]) await client.next("connected");
  write({ tokens: ["stolen"] });
  expect(await stolen.closed).toMatchObject({ code: 4401, reason: "token revoked" });
  expect((await other.request("ping", 1)).type).toBe("pong");
  expect(await (await connect("ada", { jti: "stolen" })).closed).toMatchObject({ code: 4401, reason: "token revoked" });
  const renewal = await other.request("authenticate", { token: await testToken("ada", { jti: "stolen" }) });
  expect(renewal.payload.code).toBe("TOKEN_INVALID");
  const headers = { Authorization: `Bearer ${await testToken("ada", { jti: "stolen", roles: ["publisher"] })}` };
  const published = await fetch(`${server.http}/rooms/lobby/messages`, { method: "POST", headers, body: '{"content":"x"}' });
  expect(published.status).toBe(401);
  // A file with a mistake changes nothing; one without revokes by time.
  write("{");
  write({ notBefore: { ada: 3_000 } });
  expect(await other.closed).toMatchObject({ code: 4401 });
});
