// No credential in what bench, check and infer print and write: one in the URL, one that is signed with, and those in recorded traffic.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { bench, check } from "../index.ts";
import { freePort } from "../testbed/free-port.ts";
import { startReferenceProcess } from "../testbed/reference-process.ts";
import { runCheck } from "./run-check.ts";
import { runInfer } from "./run-infer.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-masked-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);

const urlKey = "key-of-the-gateway-4711";
const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWFkYQ";
const password = "correct-horse-battery";

/** Everything that lies in the folder, and what was printed. */
function expectNoneOf(credentials: readonly string[], printed: string, files: readonly string[]) {
  expect(readdirSync(folder)).toEqual(expect.arrayContaining([...files]));
  for (const [name, text] of [["terminal", printed], ...files.map((file) => [file, readFileSync(at(file), "utf8")])]) {
    expect(text!.length, name).toBeGreaterThan(80);
    for (const credential of credentials)
      for (const form of [credential, Buffer.from(credential).toString("base64url")]) expect(text, name).not.toContain(form);
  }
}

describe("bench", () => {
  it("masks the key of its URL and the secret in each of its files", async () => {
    const server = await startReferenceProcess({ path: "/ws" });
    let printed = "";
    const print = (text: string) => {
      printed += text;
    };
    try {
      const load = { scenario: "echo", connections: 2, rate: 20, durationMs: 1000, warmUpMs: 0 } as const;
      const target = { url: [`${server.url}?api_key=${urlKey}`], auth: { secret: server.secret } };
      const json = at("bench.json");
      const more = { html: at("bench.html"), csv: at("bench.csv"), openmetrics: at("bench.prom"), k6: at("k6.json") };
      const first = await bench({ ...load, ...target, json, ...more, print, onProgress: (step) => print(JSON.stringify(step)) });
      expect(first.result?.replied).toBeGreaterThan(0);
      await bench({ ...load, ...target, json: at("again.json"), compare: json, html: at("compared.html"), print });
      print(JSON.stringify(first));
    } finally {
      await server.stop();
    }
    const files = ["bench.json", "bench.html", "bench.csv", "bench.prom", "k6.json", "again.json", "compared.html"];
    expectNoneOf([urlKey, server.secret], printed, files);
    expect(printed).toContain("api_key=(credential)");
  });

  it("and where nothing can be reached", async () => {
    const url = `ws://ada:${password}@127.0.0.1:${await freePort()}/ws?api_key=${urlKey}`;
    const error = await bench({ url: [url], auth: { tokens: [jwt] }, durationMs: 1000 }).catch((thrown: Error) => thrown);
    expect(String(error)).toContain("127.0.0.1");
    for (const credential of [urlKey, password, jwt]) expect(String(error)).not.toContain(credential);
  });
});

describe("check and infer", () => {
  const spec = fileURLToPath(new URL("../../spec/examples/chat/asyncapi.yaml", import.meta.url));
  const frames = [
    ["send", { type: "login", id: "1", password, token: jwt }],
    ["receive", { type: "error", about: `no ${password} here, and ${jwt}` }],
  ] as const;
  const open = { kind: "open", connection: 0, node: "localhost", path: "/chat", subprotocol: "", user: "", atMs: 0 };
  const events = frames.map(([kind, frame], index) => ({ kind, connection: 0, frame, json: true, bytes: 99, atMs: index + 1 }));
  const history = at("history.ndjson");
  writeFileSync(
    history,
    [{ kind: "history", version: 1 }, open, ...events, { kind: "close", connection: 0, code: 1000, reason: "", atMs: 9 }]
      .map((line) => JSON.stringify(line))
      .join("\n"),
  );

  it("mask passwords and tokens of recorded frames", async () => {
    let printed = "";
    const write = process.stdout.write;
    process.stdout.write = ((text: string) => {
      printed += text;
      return true;
    }) as typeof write;
    try {
      for (const side of ["server", "client"]) {
        const reports = { json: at(`${side}.json`), junit: at(`${side}.xml`), html: at(`${side}.html`) };
        expect(await runCheck({ files: [history], spec, side, reports, verbose: true })).toBe(1);
      }
      await runInfer({ files: [history], output: at("draft.yaml") });
    } finally {
      process.stdout.write = write;
    }
    const report = await check({ files: [history], spec, side: "client" });
    const files = ["server", "client"].flatMap((side) => [`${side}.json`, `${side}.xml`, `${side}.html`]);
    expectNoneOf([password, jwt], printed + JSON.stringify(report), [...files, "draft.yaml"]);
    expect(printed).toContain("(credential)");
  });
});
