// --server and --var from the command line: which server of a document is the target, and what its variables are.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocketServer } from "ws";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-servers-"));
const file = path.join(folder, "asyncapi.yaml");
const paths: (string | undefined)[] = [];
let server: WebSocketServer;
let port = 0;

beforeAll(async () => {
  const echo = readFileSync(path.join(root, "spec/examples/echo/asyncapi.yaml"), "utf8");
  const servers = `servers:
  away: { host: example.invalid, protocol: wss }
  near:
    host: 127.0.0.1:{port}
    pathname: /{version}
    protocol: ws
    variables:
      port: { description: Its port. }
      version: { default: v1, enum: [v1, v2] }
`;
  writeFileSync(file, echo.replace(/^servers:\n(?: .*\n)+/m, servers).replace("#/servers/local", "#/servers/near"));
  server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket, { url }) => {
    paths.push(url);
    socket.on("message", (data) => socket.send(String(data)));
  });
  await new Promise((resolve) => server.once("listening", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  for (const client of server.clients) client.terminate();
  server.close();
  rmSync(folder, { recursive: true });
});

function verify(...args: string[]): Promise<{ code: unknown; text: string }> {
  const all = ["dist/harness/cli.js", "verify", "--spec", file, "--only", "handshake-accepted", "--timeout", "2000", ...args];
  return new Promise((resolve) =>
    execFile(process.execPath, all, { cwd: root, env: { ...process.env, NO_COLOR: "1" } }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, text: stdout + stderr }),
    ),
  );
}

it("is the target where no URL is given, with a variable's value and another's default", async () => {
  const { code, text } = await verify("--server", "near", "--var", `port=${port}`);
  expect(text).toContain(`ws://127.0.0.1:${port}/v1`);
  expect(text).toMatch(/Conformant: 1 rule passed/);
  expect(code).toBe(0);
  expect(new Set(paths.splice(0))).toEqual(new Set(["/v1"]));
});

it("takes another value of the variable", async () => {
  const { text } = await verify("--server", "near", "--var", `port=${port}`, "--var", "version=v2");
  expect(text).toMatch(/Conformant: 1 rule passed/);
  expect(new Set(paths.splice(0))).toEqual(new Set(["/v2"]));
});

it.each([
  [["--server", "nowhere"], /nowhere[\s\S]*(away|near)/],
  [["--server", "near"], /port/],
  [["--server", "near", "--var", "port=1", "--var", "version=v9"], /v9[\s\S]*v1/],
  [["--server", "near", "--var", "port"], /--var/],
])("%j is an error that names what is wrong", async (args, words) => {
  const { code, text } = await verify(...args);
  expect(text).toMatch(words);
  expect(text).not.toMatch(/\n\s+at /);
  expect(code).toBe(2);
});
