// Events and AbortSignal of the functions that need no server: lint, generate, diff, check.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { check, type DocumentEvent, diff, generate, lint, type RunEvent } from "./index.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-events-"));
afterAll(() => rmSync(folder, { recursive: true }));
const spec = fileURLToPath(new URL("../spec/examples/chat/asyncapi.yaml", import.meta.url));
const history = path.join(folder, "history.ndjson");
const lines = [
  { kind: "history", version: 1 },
  { kind: "open", connection: 0, node: "0", path: "/chat", subprotocol: "", user: "", atMs: 0 },
  { kind: "send", connection: 0, frame: { type: "nothing" }, json: true, bytes: 18, atMs: 1 },
];
writeFileSync(history, lines.map((line) => JSON.stringify(line)).join("\n"));

it("lint, generate and diff tell each finding, file and change", async () => {
  const told: DocumentEvent[] = [];
  const onEvent = (event: DocumentEvent) => told.push(event);
  const findings = await lint({ spec, onEvent });
  expect(told.splice(0)).toEqual(findings.map((finding) => ({ type: "finding", finding })));
  const { changed } = await generate({ spec, out: path.join(folder, "generated"), onEvent });
  expect(changed.length).toBeGreaterThan(5);
  expect(told.splice(0).filter(({ type }) => type === "file")).toEqual(changed.map((name) => ({ type: "file", name })));
  const { changes } = await diff(spec, fileURLToPath(new URL("../spec/examples/echo/asyncapi.yaml", import.meta.url)), {
    onEvent,
  });
  expect(changes.length).toBeGreaterThan(0);
  expect(told).toEqual(changes.map((change) => ({ type: "change", change })));
});

it("check tells how far it is, each rule that failed, and the end", async () => {
  const told: RunEvent[] = [];
  const report = await check({ files: [history], spec, side: "client", onEvent: (event) => told.push(event) });
  expect(told.findLast(({ type }) => type === "progress")).toEqual({ type: "progress", text: "messages checked: 1" });
  const failed = report.rules.filter(({ verdict }) => verdict === "fail").map(({ id }) => id);
  expect(failed.length).toBeGreaterThan(0);
  expect(told.flatMap((event) => (event.type === "finding" ? [event.rule] : []))).toEqual(failed);
  expect(told.at(-1)?.type).toBe("end");
});

it("each rejects with the reason of its signal, and writes nothing", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  const out = path.join(folder, "never");
  for (const call of [
    lint({ spec, signal }),
    generate({ spec, out, signal }),
    diff(spec, spec, { signal }),
    check({ files: [history], spec, signal }),
  ])
    await expect(call).rejects.toThrow("enough");
  expect(existsSync(out)).toBe(false);
});
