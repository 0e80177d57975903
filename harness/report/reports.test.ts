// The reports of a run: each is well-formed, small, and lets nothing of the target act.
import { readFileSync } from "node:fs";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { validateXML } from "xmllint-wasm";
import type { RuleResult, Verdict } from "../conformance/result.ts";
import { summarise } from "../conformance/verdict.ts";
import type { History } from "../model/history.ts";
import { bounded } from "./bounded.ts";
import { emitHtml } from "./html.ts";
import { emitJson } from "./json.ts";
import { emitJunit } from "./junit.ts";
import type { ReportedRun } from "./reported-run.ts";
import { emitResults, emitRules } from "./terminal.ts";

const hostile = `<script>alert("1")</script> ]]> & \u0000 \ud800 'x'`;

const frames: History = [
  { kind: "open", atMs: 100, connection: 7, node: "0", subprotocol: "chat.v1", user: "u-1" },
  { kind: "send", atMs: 101.25, connection: 7, frame: { text: hostile }, json: true, bytes: 20 },
  { kind: "receive", atMs: 103.5, connection: 7, frame: hostile, json: false, bytes: 20 },
  { kind: "close", atMs: 104, connection: 7, code: 4401, reason: hostile },
];

function result(id: string, verdict: Verdict, more: Partial<RuleResult> = {}): RuleResult {
  const failing = verdict === "fail" || verdict === "warn";
  const failure = {
    pointer: "#/channels/x",
    text: hostile,
    expected: hostile,
    actual: hostile,
    failed: 4,
    runs: 4,
    steps: [hostile],
    frames,
    seed: 1,
    replay: `npx wsproof verify --only ${id}`,
  };
  return {
    id,
    level: verdict === "warn" ? "SHOULD" : "MUST",
    phase: id.startsWith("limits") ? "limits" : "handshake",
    title: "keeps it",
    verdict,
    reason: verdict === "pass" || failing ? undefined : hostile,
    observed: 1,
    vacuous: false,
    durationMs: 1234,
    failures: failing ? [failure] : [],
    notes: [],
    ...more,
  };
}

function run(results: readonly RuleResult[], strict = false): ReportedRun {
  return {
    opening: { title: "x 1", file: "x.yaml", targets: ["ws://h/"], embedded: false, perspective: "server", seed: 1 },
    report: { results, interrupted: undefined, durationMs: 5000 },
    summary: summarise(results, { strict }),
    startedAt: new Date("2026-11-24T12:00:00.500Z"),
    strict,
  };
}

const everyVerdict = [
  result("handshake-a", "pass"),
  result("handshake-b", "fail"),
  result("handshake-c", "warn"),
  result("limits-d", "not-testable"),
  result("limits-e", "not-applicable"),
  result("limits-f", "inconclusive"),
  result("limits-g", "fail", { known: "issue 7" }),
];

/** The elements of a report with their attributes; it throws for what is not well-formed. */
function elements(
  xml: string,
): { readonly name: string; readonly attributes: Readonly<Record<string, string>>; readonly path: string }[] {
  const found: { name: string; attributes: Record<string, string>; path: string }[] = [];
  const open: string[] = [];
  const rest = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, "");
  for (const [token] of rest.matchAll(/<[^>]*>|[^<]+/g)) {
    if (!token.startsWith("<")) {
      expect(token.replaceAll(/&(amp|lt|gt|quot|#39|#10);/g, "")).not.toMatch(/[&>\u0000-\u0008\ud800-\udfff]/);
      continue;
    }
    const [, slash, name = "", attributes = "", self] = /^<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>$/.exec(token) ?? [];
    expect(name, token).not.toBe("");
    if (slash === "/") {
      expect(open.pop()).toBe(name);
      continue;
    }
    const entries = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, key = "", value = ""]): [string, string] => [
      key,
      value,
    ]);
    found.push({ name, attributes: Object.fromEntries(entries), path: [...open, name].join("/") });
    if (self !== "/") open.push(name);
  }
  expect(open).toEqual([]);
  return found;
}

const junitSchema = readFileSync(new URL("./fixtures/junit.xsd", import.meta.url), "utf8");

/** What is wrong with a report, by the readers of JUnit XML; empty where nothing is. */
async function wrongWith(xml: string): Promise<readonly string[]> {
  const { errors } = await validateXML({ xml: { fileName: "junit.xml", contents: xml }, schema: junitSchema });
  return errors.map(({ message }) => message);
}

describe("emitJunit", () => {
  const reports = {
    "every verdict": emitJunit(run(everyVerdict)),
    "every verdict, strict": emitJunit(run(everyVerdict, true)),
    "no failure": emitJunit(run([result("handshake-a", "pass")])),
    "no rule": emitJunit(run([])),
  };
  it.each(Object.entries(reports))("is what Ant and Jenkins read: %s", async (_, xml) => {
    expect(await wrongWith(xml)).toEqual([]);
  });

  const planted: Readonly<Record<string, [RegExp, string]>> = {
    "a suite without its number": [/ id="0"/, ""],
    "two suites of one number": [/ id="1"/, ' id="0"'],
    "a suite without properties": [/<properties>.*?<\/properties>/s, ""],
    "a case without its class": [/ classname="wsproof\.handshake"/, ""],
    "a case that is skipped and failed": [/(<failure [^>]*>)/, "<skipped/>$1"],
    "a failure without its type": [/(<failure [^>]*) type="MUST"/, "$1"],
    "a moment with its zone": [/(timestamp="[^"]*)"/, '$1Z"'],
    "a time with an exponent": [/time="1\.234"/, 'time="1e3"'],
    "a count that is no number": [/tests="3"/, 'tests="three"'],
    "an outcome that nobody knows": [/<error [^>]*><\/error>/, "<undecided/>"],
    "markup from the wire": [/&lt;script&gt;/, "<script>"],
    "a raw NUL": [/keeps it/, "keeps\u0000it"],
  };
  it.each(Object.entries(planted))("the schema refuses %s", async (_, [what, broken]) => {
    const xml = reports["every verdict"].replace(what, broken);
    expect(xml).not.toBe(reports["every verdict"]);
    expect(await wrongWith(xml)).not.toEqual([]);
  });

  it("counts in each suite what the suite holds", () => {
    const all = elements(reports["every verdict"]);
    const counted = { tests: "testcase", failures: "failure", errors: "error", skipped: "skipped" };
    for (const [attribute, name] of Object.entries(counted)) {
      const told = all.reduce((sum, { attributes }) => sum + Number(attributes[attribute] ?? 0), 0);
      expect([attribute, told]).toEqual([attribute, all.filter((one) => one.name === name).length]);
    }
  });

  it("names each suite, and its cases by rule and phase", () => {
    const all = elements(emitJunit(run(everyVerdict)));
    const suites = all.filter(({ path }) => path === "testsuites/testsuite");
    expect(suites.map(({ attributes }) => attributes)).toEqual([
      {
        name: "handshake",
        package: "wsproof.x 1",
        id: "0",
        timestamp: "2026-11-24T12:00:00",
        hostname: "localhost",
        tests: "3",
        failures: "1",
        errors: "0",
        skipped: "0",
        time: "3.702",
      },
      {
        name: "limits",
        package: "wsproof.x 1",
        id: "1",
        timestamp: "2026-11-24T12:00:00",
        hostname: "localhost",
        tests: "4",
        failures: "0",
        errors: "1",
        skipped: "3",
        time: "4.936",
      },
    ]);
    expect(all.filter(({ name }) => name === "testcase").map(({ attributes }) => attributes.name)).toEqual(
      everyVerdict.map(({ id }) => id),
    );
  });

  it("counts a broken SHOULD as a failure only when strict", () => {
    const failures = (strict: boolean) =>
      elements(emitJunit(run([result("handshake-c", "warn")], strict))).filter(({ name }) => name === "failure").length;
    expect([failures(false), failures(true)]).toEqual([0, 1]);
  });
});

describe("emitHtml", () => {
  const html = emitHtml([run(everyVerdict)]);

  it("lets nothing from the wire become markup", () => {
    expect(html).not.toContain("<script>alert");
    expect(html.match(/<script>/g)).toHaveLength(1);
    expect(html).not.toMatch(/[\u0000\ud800]/);
  });

  it("loads nothing from elsewhere", () => {
    expect(html).not.toMatch(/\b(src|href)="(?!#)/);
    expect(html).not.toMatch(/@import|url\(/);
  });

  it("has a part for each cause, which the index and the verdicts link to, with diagram, frames and replay command", () => {
    const links = [...html.matchAll(/href="#(failure-[^"]*)"/g)].map(([, id]) => id);
    expect(links).toEqual(Array(4).fill("failure-0-0")); // the index, the part itself, and the cells of two rules
    expect(html.match(/<article class="failure" id="failure-0-0"/g)).toHaveLength(1);
    expect(html.match(/<svg /g)).toHaveLength(1);
    expect(html).toContain("npx wsproof verify --only handshake-b");
    expect(html).toContain("And 1 more with the same cause; it also fails <code>handshake-c</code>.");
  });
});

describe("a run with hundreds of failures of one cause", () => {
  const failure = result("handshake-b", "fail").failures[0]!;
  const noisy: History = Array.from({ length: 60 }, (_, at) => ({ ...frames[2]!, atMs: 100 + at }) as History[number]);
  const failures = Array.from({ length: 300 }, (_, at) => ({
    ...failure,
    actual: `close 1011 after i-${at}`,
    steps: at === 150 ? ["one step"] : ["a step", "another"],
    frames: noisy,
  }));
  const other = { ...failure, actual: "silence" };
  const many = run([
    result("handshake-b", "fail", { failures }),
    result("limits-d", "fail", { failures: [failures[0]!, other] }),
  ]);
  const text = emitResults(many.report.results, many.summary, picocolors.createColors(false), { html: "r.html" });

  it("takes a few screens of the terminal, and ends in an answer", () => {
    expect(text.split("\n").length).toBeLessThan(120);
    expect(text).toContain("1. one step");
    expect(text).toContain("and 300 more with the same cause");
    expect(text).toContain("also fails  limits-d");
    expect(text.slice(text.indexOf("Not conformant"))).toMatchInlineSnapshot(`
      "Not conformant: 2 rules failed.

        handshake-b, limits-d
          close 1011 after i-150
        limits-d
          silence

        reproduce  npx wsproof verify --only handshake-b
        details    open r.html
      "
    `);
  });

  it("is small in every file", () => {
    expect(emitHtml([many]).length).toBeLessThan(100_000);
    const { report } = many;
    expect(emitJson({ ...many, report: { ...report, results: bounded(report.results) } }).length).toBeLessThan(500_000);
    expect(emitJunit(many).length).toBeLessThan(50_000);
  });
});

it("a green run prints its counts and its verdict alone, and every rule when asked", () => {
  const green = run([result("handshake-a", "pass")]);
  const colours = picocolors.createColors(false);
  expect(emitResults(green.report.results, green.summary, colours).trim().split("\n")).toHaveLength(2);
  expect(emitRules(green.report.results, colours)).toContain("handshake-a: keeps it");
});

it("no control character of the target reaches the terminal", () => {
  const { report, summary } = run(everyVerdict);
  const acting = JSON.parse(JSON.stringify(report.results).replaceAll("alert", "\\u001b[2J\\u009b\\u202e\\r"));
  const text = emitResults(acting, summary, picocolors.createColors(false), { verbose: true });
  expect(text).toContain("\\u001b[2J");
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
});

describe("emitJson", () => {
  it("says all of it, in plain data", () => {
    const { rules, ...rest } = JSON.parse(emitJson(run(everyVerdict)));
    expect(rest).toMatchObject({ wsproof: 1, exitCode: 1, targets: ["ws://h/"], seed: 1, counts: { pass: 1, fail: 2 } });
    expect(rules.map(({ id, verdict }: RuleResult) => [id, verdict])).toEqual(
      everyVerdict.map(({ id, verdict }) => [id, verdict]),
    );
    expect(rules[1].failures[0].frames).toHaveLength(4);
  });
});
