// serve with a certificate of a private authority, and verify over wss.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../testbed/free-port.ts";

const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));
const secret = "a secret for tests of 32 bytes!!";
const folder = mkdtempSync(join(tmpdir(), "wsproof-serve-tls-"));
const file = (name: string) => join(folder, name);
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  const newKey = (name: string) => ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file(name)];
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });
  openssl("req", "-x509", ...newKey("ca-key.pem"), "-out", file("ca.pem"), "-days", "2", "-subj", "/CN=private authority");
  openssl("req", "-new", ...newKey("key.pem"), "-out", file("request.pem"), "-subj", "/CN=localhost");
  writeFileSync(file("extensions"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  const signing = ["-CA", file("ca.pem"), "-CAkey", file("ca-key.pem"), "-CAcreateserial", "-extfile", file("extensions")];
  openssl("x509", "-req", "-in", file("request.pem"), ...signing, "-days", "2", "-out", file("cert.pem"));
  const port = await freePort();
  url = `wss://localhost:${port}/ws`;
  const args = [
    "serve",
    "--port",
    `${port}`,
    "--host",
    "localhost",
    "--tls-cert",
    file("cert.pem"),
    "--tls-key",
    file("key.pem"),
  ];
  server = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, JWT_SECRET: secret, LOG_LEVEL: "info", DRAIN_MS: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    server.stdout!.on("data", (data) => String(data).includes("listening") && resolve());
    server.on("exit", (code) => reject(new Error(`serve ended with ${code}`)));
  });
});
afterAll(() => {
  server?.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

async function verify(env: Readonly<Record<string, string>>, ...args: string[]): Promise<{ code: number; text: string }> {
  const all = [cli, "verify", url, "--auth-secret", secret, "--seed", "1", ...args];
  const { stdout, stderr, code } = await promisify(execFile)(process.execPath, all, { env: { ...process.env, ...env } }).then(
    (output) => ({ ...output, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { code, text: stdout + stderr };
}

test("the rules of handshake, examples (HTTP too) pass over wss", async () => {
  const json = file("report.json");
  const phases = ["handshake", "examples"].flatMap((phase) => ["--phase", phase]);
  const { code, text } = await verify({}, "--ca", file("ca.pem"), ...phases, "--json", json);
  expect(text).toMatch(/Conformant: \d+ rules passed/);
  expect(code).toBe(0);
  const { rules } = JSON.parse(readFileSync(json, "utf8")) as { rules: { verdict: string }[] };
  expect(rules.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(40);
});

test("a reset is sent below TLS", async () => {
  const { code, text } = await verify({ NODE_EXTRA_CA_CERTS: file("ca.pem") }, "--only", "survives-reset-during-upgrade");
  expect(text).toContain("Conformant: 1 rule passed");
  expect(code).toBe(0);
});

test("without the authority the certificate is refused, and the message says what to do", async () => {
  const { code, text } = await verify({ NODE_EXTRA_CA_CERTS: "" }, "--phase", "handshake");
  expect(text).toContain("Trust its authority with --ca or NODE_EXTRA_CA_CERTS");
  expect(code).toBeGreaterThan(1);
});

test("a file that is no certificate is named", async () => {
  const { code, text } = await verify({}, "--ca", file("extensions"), "--phase", "handshake");
  expect(text).toContain(`--ca ${file("extensions")}: expected a file with certificates in PEM`);
  expect(code).toBe(2);
});
