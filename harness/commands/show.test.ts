// wsproof show: the page of a report, and of a trace; both run nothing of what they show.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { emitTracePage } from "../report/trace-page.ts";
import { UsageError } from "../schema/errors.ts";
import { emitEvent, emitHeader } from "../traffic/history-file.ts";
import type { TrafficEvent } from "../traffic/traffic-event.ts";
import { show } from "./show-page.ts";

const folder = mkdtempSync(join(tmpdir(), "wsproof-show-"));
afterAll(() => rmSync(folder, { recursive: true }));

const markup = "<img src=x onerror=alert(1)>";
const events: readonly TrafficEvent[] = [
  { kind: "open", atMs: 10, connection: 0, node: "1", subprotocol: "chat.v1", user: markup },
  {
    kind: "send",
    atMs: 12,
    connection: 0,
    frame: { type: "chat", payload: { content: markup.repeat(5) } },
    json: true,
    bytes: 90,
  },
  { kind: "fault", atMs: 13, connection: -1, what: "kill", node: "1" },
  { kind: "close", atMs: 20, connection: 0, code: 1006, reason: "" },
];
/** Lanes name their node where there are several. */
const ofNode2 = { kind: "open", atMs: 9, connection: 1, node: "2", subprotocol: "", path: "/ws", user: "u-2" } as const;

async function shown(name: string, text: string): Promise<string> {
  const out = join(folder, "page.html");
  writeFileSync(join(folder, name), text);
  await show(join(folder, name), out);
  return readFileSync(out, "utf8");
}

it("a trace: a lane, a row for each event, frames formatted, faults drawn in", async () => {
  const html = await shown(
    "h.ndjson",
    [emitHeader(), ...[...events, ofNode2].map(emitEvent)].map((line) => line.trim()).join("\n"),
  );
  expect(html.match(/<tr data-kind/g)).toHaveLength(5);
  expect(html).toContain('<tr data-kind="fault" data-connection="-1" class="harm">');
  expect(html).toContain("c0, node 1");
  expect(html).toMatch(/<pre>\{\n {2}&quot;type&quot;: &quot;chat&quot;,\n/);
  expect(html).not.toContain("<img");
  expect(html).toMatch(/<text class="harm" [^>]*>kill<\/text>/);
});

it("a trace of nothing is a page too", () => expect(emitTracePage([], "x")).toContain("0 events of 0 connections"));

it("a report: the page that --html writes", async () => {
  const report = {
    wsproof: 1,
    document: { title: "chat 1", file: "x.yaml", perspective: "server" },
    targets: ["ws://h/"],
    seed: 1,
    startedAt: "2026-11-24T12:00:00.500Z",
    exitCode: 0,
    verdict: "Conformant: 1 rule passed.",
    counts: { pass: 1 },
    interrupted: null,
    durationMs: 5,
    rules: [{ id: "a", level: "MUST", phase: "frames", title: markup, verdict: "pass", failures: [], notes: [], durationMs: 1 }],
  };
  const html = await shown("r.json", JSON.stringify(report));
  expect(html).toContain("Conformant: 1 rule passed.");
  expect(html).not.toContain("<img");
});

it("says what it cannot show", async () => {
  await expect(shown("x.json", "{}")).rejects.toThrow(UsageError);
  await expect(shown("x.json", "{")).rejects.toThrow("Give a file that verify --json or --history wrote");
});
