// The HTML reports in Chromium: axe, phone and desk, light and dark, short and long names, search, keys, print.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { SignJWT } from "jose";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditPage, launchChromium } from "../../scripts/audit-page.ts";
import { sampleResult } from "../comparison/sample-result.ts";
import type { Failure, RuleResult, Verdict } from "../conformance/result.ts";
import { summarise } from "../conformance/verdict.ts";
import type { History, Timeline } from "../model/history.ts";
import { emitHtml } from "../report/html.ts";
import { emitLoadHtml } from "../report/load/html.ts";
import type { ReportedRun } from "../report/reported-run.ts";
import { emitTracePage } from "../report/trace-page.ts";
import { startReferenceProcess } from "../testbed/reference-process.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-pages-"));
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

const timeline: Timeline = {
  columns: [
    { name: "client 0", node: "node 0" },
    { name: "client 1", node: "node 1" },
  ],
  entries: [
    { atMs: 100, column: "client 0", text: "publish m-1" },
    { atMs: 101, column: undefined, text: "*** kill (node 1)", fault: "start" },
    { atMs: 104, column: "client 0", text: "ok, position 7" },
    { atMs: 160, column: undefined, text: "*** end: kill (node 1)", fault: "end" },
    { atMs: 170, column: "client 1", text: "8: m-2" },
  ],
};

function failureOf(id: string, actual: string, more: Partial<Failure> = {}): Failure {
  const frames: History = [
    { kind: "open", atMs: 100, connection: 7, node: "0", subprotocol: "chat.v1", user: "u-1" },
    ...Array.from({ length: 30 }, (_, at): History[number] => ({
      kind: "send",
      atMs: 101 + at,
      connection: 7,
      frame: { text: actual },
      json: true,
      bytes: 20,
    })),
    { kind: "close", atMs: 150, connection: 7, code: 4401, reason: "expired" },
  ];
  const shared = { pointer: "#/channels/x", text: "The sentence.", failed: 4, runs: 4, steps: ["one", "two"], frames, seed: 1 };
  return { ...shared, expected: "close 1000", actual, replay: `npx wsproof verify --only ${id}`, ...more };
}

/** Rules, of which `red` fail, each for a reason of its own. */
function run(name: (at: number) => string, red: number, count = 300): ReportedRun {
  const verdicts: readonly Verdict[] = ["pass", "pass", "pass", "not-applicable", "inconclusive", "not-testable"];
  const results = Array.from({ length: count }, (_, at): RuleResult => {
    const failed = at < red;
    const more = at === 0 ? { timeline, frames: [] } : {};
    return {
      id: name(at),
      level: at % 9 === 0 ? "SHOULD" : "MUST",
      phase: at < count / 2 ? "handshake" : "frames",
      title: `does what ${name(at)} asks`,
      verdict: failed ? "fail" : verdicts[at % verdicts.length]!,
      reason: failed ? undefined : "the server does not offer it",
      observed: 1,
      vacuous: false,
      durationMs: 1,
      failures: failed
        ? [failureOf(name(at), `close of kind ${String.fromCharCode(97 + (at % 26)).repeat(1 + at / 26)}`, more)]
        : [],
      notes: at === 0 ? ["a note"] : [],
    };
  });
  return {
    opening: { title: name(1), file: "x.yaml", targets: ["ws://h/"], embedded: false, perspective: "server", seed: 1 },
    report: { results, interrupted: undefined, durationMs: 5000 },
    summary: summarise(results),
    startedAt: new Date("2026-11-24T12:00:00.500Z"),
    strict: false,
  };
}

function written(name: string, html: string): string {
  const file = path.join(folder, `${name}.html`);
  writeFileSync(file, html);
  return pathToFileURL(file).href;
}

const long = "x".repeat(90);
const pages: Readonly<Record<string, string>> = {
  "red, short names": emitHtml([run((at) => `rule-${at}`, 3, 20)]),
  "red, long names": emitHtml([run((at) => `${long}-${at}`, 3, 20)]),
  trace: emitTracePage(
    [...failureOf("a", long).frames, { kind: "fault", atMs: 120, connection: -1, what: "kill", node: "1" }],
    "history.ndjson",
  ),
  "bench, compared": emitLoadHtml({ result: sampleResult(), command: "x", earlier: { file: long, result: sampleResult() } }),
};

describe("axe finds nothing, and nothing is wider than a phone", () => {
  it.each(Object.entries(pages))("%s", async (name, html) => {
    const url = written(name, html);
    if (process.env.SCREENSHOTS !== undefined) await photograph(name, url, process.env.SCREENSHOTS);
    expect(await auditPage(browser, url)).toEqual([]);
  });
});

describe("axe finds nothing on the demo page", () => {
  it("before and after the sign-in", async () => {
    const server = await startReferenceProcess({ path: "/ws" });
    try {
      const url = server.url.replace(/^ws(.*)\/ws$/, "http$1/");
      expect(await auditPage(browser, url)).toEqual([]);
      const token = await new SignJWT({ name: long.slice(0, 60) })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject("u-1")
        .setAudience("rooms.v1")
        .setExpirationTime("1h")
        .sign(new TextEncoder().encode(server.secret));
      const signIn = async (page: Page) => {
        await page.fill("#token", token);
        await page.click("#by-token button");
        await page.fill("#room", "lobby");
        await page.click("#join button");
        await page.fill("#content:enabled", "hello");
        await page.press("#content", "Enter");
        await page.locator("#messages .mine").waitFor();
        await page.locator("#frames summary").first().click();
      };
      expect(await auditPage(browser, url, signIn)).toEqual([]);
    } finally {
      await server.stop();
    }
  }, 60_000);
});

describe("the report of 300 failures", () => {
  const html = emitHtml([run((at) => `rule-${at}`, 300)]);

  it("is under 900 kB, and prints on at most 10 pages", async () => {
    expect(html.length).toBeLessThan(900_000);
    const page = await browser.newPage();
    await page.goto(written("many", html));
    const pdf = (await page.pdf({ format: "A4" })).toString("latin1");
    const count = pdf.match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
    await page.close();
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(10);
  });

  it("is searched, filtered and walked through by keys, within its own policy", async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(written("keys", emitHtml([run((at) => `rule-${at}`, 12)])));
    const shown = () => page.locator("tr[data-verdict]:not([hidden])").count();
    expect(await shown()).toBe(300);
    await page.keyboard.press("/");
    await page.keyboard.type("rule-11");
    expect(await shown()).toBe(11);
    expect(await page.locator("#found").textContent()).toBe("11 of 300 rules");
    await page.keyboard.press("Escape");
    expect(await shown()).toBe(300);
    await page.selectOption("select[name=verdict]", "fail");
    expect(await shown()).toBe(12);
    await page.locator("h1").click();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    expect(new URL(page.url()).hash).toBe("#failure-0-0");
    expect(complaints).toEqual([]);
    await page.close();
  });
});

/** For a look by eye: SCREENSHOTS=FOLDER. */
async function photograph(name: string, url: string, target: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [390, 1280]) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      await page.goto(url);
      await page.screenshot({ path: path.join(target, `${name}-${colorScheme}-${width}.png`.replaceAll(/[ ,]+/g, "-")) });
      await page.close();
    }
}
