// The mock in tests of clients: scripted, asked what came, and used on the client of this package.
import { afterEach, expect, it } from "vitest";
import { type MockServer, startMockServer } from "./testing.ts";

// As a program of somebody else imports it: the harness itself knows nothing of the reference.
const { createClient } = await import(new URL("../dist/reference/client/client.js", import.meta.url).href);
let mock: MockServer | undefined;
afterEach(() => mock?.stop());

const isChat = ({ value }: { readonly value: unknown }) => (value as { type?: string } | undefined)?.type === "chat";

it("closes after the second chat, and the client comes back and joins again", async () => {
  mock = await startMockServer();
  const server = mock;
  const client = createClient({ url: server.url, token: () => "ada" });
  server.after(isChat, 2, ({ connection }) => server.close(4003, "", connection));
  client.connect();
  await client.join("lobby");
  await client.chat("lobby", "one");
  await client.chat("lobby", "two").catch(() => undefined);
  const again = await server.waitFor(
    ({ connection, value }) => connection === 2 && (value as { type?: string }).type === "join_room",
  );
  // After 4003 the state is lost: a client joins without a position.
  expect((again.value as { payload: { since?: unknown } }).payload.since).toBeUndefined();
  client.close();
});

it("sends what the test wants, and says what came in vain", async () => {
  mock = await startMockServer();
  expect(() => mock!.send("nonsense")).toThrow(/the server sends no message nonsense/);
  await expect(mock.waitFor(isChat, 10)).rejects.toThrow(/no such message of a client within 10 ms; none came/);
});
