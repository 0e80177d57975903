// TLS end to end: https and wss, sockets owned from before their handshake, certificates that change at run time.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { get } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { ConfigError, readConfig } from "./config.ts";
import { SocketRegistry } from "./sockets.ts";
import { Certificates } from "./testing/certificates.ts";
import { startTestServer, TestClient, type TestServer, testToken } from "./testing/in-process-server.ts";
import { until } from "./testing/test-node.ts";
import { readCertificate } from "./tls.ts";

const certificates = new Certificates();
const files = { TLS_CERT: certificates.certFile, TLS_KEY: certificates.keyFile };
let server: TestServer | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await server?.drain();
  server = undefined;
});
afterAll(() => certificates.remove());

async function enter(userId: string): Promise<TestClient> {
  const url = `wss://127.0.0.1:${server!.port}/ws?token=${await testToken(userId)}`;
  const client = new TestClient(url, ["rooms.v1"], { ca: certificates.ca });
  await client.next("connected");
  return client;
}

async function page(path: string): Promise<string> {
  const [response] = await once(get({ host: "127.0.0.1", port: server!.port, path, ca: certificates.ca }), "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return text;
}

/** Serial number of the certificate that the server shows. */
async function serial(): Promise<string> {
  const socket: TLSSocket = connectTls({ host: "127.0.0.1", port: server!.port, ca: certificates.ca });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

test("serves wss and https, and counts their sockets by state until they are gone", async () => {
  server = await startTestServer(files);
  const [ada, bob] = [await enter("ada"), await enter("bob")];
  await ada.request("join_room", { room: "lobby" });
  await bob.request("join_room", { room: "lobby" });
  await ada.request("chat", { room: "lobby", content: "over TLS" });
  expect((await bob.next("message")).payload.content).toBe("over TLS");
  expect(await page("/metrics")).toContain('wsproof_sockets{state="open"} 2');
  ada.socket.close();
  bob.socket.terminate();
  await until("both are gone", async () => (await page("/metrics")).includes('wsproof_sockets{state="open"} 0'));
});

test("a refused upgrade over TLS is answered, counted and freed", async () => {
  server = await startTestServer(files);
  const states: string[] = [];
  const { setState } = SocketRegistry.prototype;
  vi.spyOn(SocketRegistry.prototype, "setState").mockImplementation(function (this: SocketRegistry, socket, to) {
    const before = this.count(to);
    setState.call(this, socket, to);
    if (this.count(to) > before) states.push(to);
  });
  const socket = connectTls({ host: "127.0.0.1", port: server.port, ca: certificates.ca });
  socket.write("GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  expect((await once(socket, "data"))[0].toString()).toMatch(/^HTTP\/1\.1 404/);
  await once(socket, "close");
  expect(states).toEqual(["refused"]);
});

test("who never begins the TLS handshake, or speaks something else, is counted and cut off", async () => {
  server = await startTestServer({ ...files, HEADERS_TIMEOUT_MS: "300" });
  const silent = connect(server.port, "127.0.0.1");
  const plain = connect(server.port, "127.0.0.1", () => plain.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  for (const socket of [silent, plain]) socket.on("error", () => {}).resume();
  await Promise.all([once(silent, "close"), once(plain, "close")]);
  const ada = await enter("ada");
  expect((await ada.request("ping", 1)).type).toBe("pong");
});

test("a renewed certificate is shown to new connections; those before stay; what does not fit together is not taken", async () => {
  server = await startTestServer(files);
  const ada = await enter("ada");
  const first = await serial();
  const key = join(certificates.folder, "key.pem");
  writeFileSync(key, "no key");
  // Only a later good pair is taken: the bad one above is looked at first, or never.
  certificates.issue();
  await until("the new one is shown", async () => (await serial()) !== first);
  expect((await ada.request("ping", 1)).type).toBe("pong");
});

test.each([
  [{ TLS_CERT: "x.pem" }, /TLS_KEY: expected a file, because TLS_CERT is set/],
  [{ TLS_KEY: "x.pem" }, /TLS_CERT: expected a file, because TLS_KEY is set/],
])("one file alone is a mistake", (env, message) => {
  const read = () => readConfig(env, { dev: true });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(message);
});

test("files that are missing, no PEM, or do not fit together are named", () => {
  const { certFile: cert, keyFile: key, caFile } = certificates;
  expect(() => readCertificate({ cert: "/nowhere.pem", key })).toThrow(/^TLS_CERT: cannot read \/nowhere\.pem/);
  expect(() => readCertificate({ cert, key: "/nowhere.pem" })).toThrow(/^TLS_KEY: cannot read/);
  expect(() => readCertificate({ cert: caFile, key })).toThrow(/expected a certificate and its key in PEM/);
});
