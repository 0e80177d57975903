// A red run, and every artifact of it searched for every credential that it issued, and for long pieces of them.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import picocolors from "picocolors";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createReporter } from "../report/reporters.ts";
import { type ReferenceProcess, startReferenceProcess } from "../testbed/reference-process.ts";
import { runVerification } from "./run-verify.ts";
import { loadVerifySettings } from "./settings/verify-settings.ts";

const issued = vi.hoisted(() => new Set<string>());
vi.mock("../client/credentials.ts", async (original) => {
  const real = await original<typeof import("../client/credentials.ts")>();
  return {
    ...real,
    createTokenIssuer: (...args: Parameters<typeof real.createTokenIssuer>) => {
      const issue = real.createTokenIssuer(...args);
      return async (...wanted: Parameters<typeof issue>) => {
        const token = await issue(...wanted);
        if (token.credential !== undefined) issued.add(token.credential);
        return token;
      };
    },
  };
});

/** A shorter piece of a JWT is shared by all of its issuer, or found by chance. */
const pieceLength = 12;
const urlKey = "key-of-the-gateway-4711";
const folder = mkdtempSync(join(tmpdir(), "wsproof-artifacts-"));
const before = process.cwd();
let server: ReferenceProcess;
let printed = "";
let returned = "";
let failed: readonly string[] = [];

beforeAll(async () => {
  process.chdir(folder);
  const main = fileURLToPath(new URL("../../dist/reference/testing/test-server.js", import.meta.url));
  server = await startReferenceProcess({ path: "/ws", main, env: { FAULT: "repeats-credential" } });
  const reports = { json: "report.json", junit: "report.xml", html: "report.html", history: "history.ndjson" };
  const more = { sarif: "report.sarif", ctrf: "report.ctrf.json", badge: "badge.json" };
  const settings = loadVerifySettings(
    {
      url: [`${server.url}?api_key=${urlKey}`],
      auth: { secret: server.secret },
      only: ["handshake-", "invalid-error-no", "invalid-during"],
      runs: 20,
      seed: 5,
      reports: { ...reports, ...more },
      verbose: true,
    },
    "key",
    5,
  );
  const write = (text: string) => {
    printed += text;
  };
  const output = { write, live: true, palette: picocolors.createColors(true), verbose: true, html: undefined };
  const run = await runVerification(settings, { event: createReporter("line", output) });
  returned = JSON.stringify(run);
  failed = run.report.results.filter(({ verdict }) => verdict === "fail").map(({ id }) => id);
});
afterAll(async () => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
  await server.stop();
});

it("has every kind of artifact, of rules that failed", () => {
  expect(failed).toContain("handshake-credential-not-repeated");
  expect(issued.size).toBeGreaterThan(30);
  expect(readdirSync(folder).sort()).toEqual([
    ...["badge.json", "history.ndjson", "report.ctrf.json", "report.html", "report.json", "report.sarif", "report.xml"],
  ]);
});

it("shows no credential, and no long piece of one", () => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const artifacts = new Map(files.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), "utf8")]));
  artifacts.set("terminal", printed).set("API", returned);
  const pieces = new Set<string>();
  for (const token of [...issued, server.secret, urlKey]) {
    for (const form of [token, Buffer.from(token).toString("base64url"), Buffer.from(token).toString("hex")])
      for (let at = 0; at + pieceLength <= form.length; at += 1) pieces.add(form.slice(at, at + pieceLength));
  }
  const leaks: string[] = [];
  for (const [name, text] of artifacts) {
    expect(text.length, name).toBeGreaterThan(80);
    for (let at = 0; at + pieceLength <= text.length; at += 1)
      if (pieces.has(text.slice(at, at + pieceLength))) leaks.push(`${name}: ${text.slice(Math.max(0, at - 40), at + 40)}`);
  }
  expect(leaks).toEqual([]);
});
