// Every document of the corpus goes through lint, generate, tsc, import, verify --list and its page; generated/CORPUS.md holds the results.
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { createProgram } from "./program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const corpus = path.join(root, "spec/fixtures/corpus");
const steps = ["lint", "generate", "tsc", "import", "list", "page"] as const;
type Step = (typeof steps)[number];

/** Below the project, so that the generated code finds ajv's run-time. */
const work = mkdtempSync(path.join(tmpdir(), "wsproof-corpus-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Documents without a WebSocket channel: lint says so, and there is nothing to list. */
const withoutWebSocket = new Set(["kafka-only"]);

interface Row {
  readonly name: string;
  readonly version: string;
  readonly title: string;
  /** Why a step failed. A step that is not here passed. */
  readonly failed: Map<Step, string>;
}

function documentOf(entry: string): string {
  const place = path.join(corpus, entry);
  if (!statSync(place).isDirectory()) return place;
  return ["asyncapi.yaml", "asyncapi.yml"].map((name) => path.join(place, name)).find(existsSync)!;
}

const entries = readdirSync(corpus).sort();
const rows: Row[] = entries.map((entry) => {
  const { asyncapi, info } = parse(readFileSync(documentOf(entry), "utf8"), { merge: true });
  return { name: entry.replace(/\.(?:yaml|yml|json)$/, ""), version: asyncapi, title: info.title, failed: new Map() };
});

/** Runs one command of the program in this process. */
async function run(...args: string[]): Promise<{ readonly code: number; readonly output: string }> {
  let output = "";
  const keep = (text: string | Uint8Array) => {
    output += text;
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(keep),
    vi.spyOn(process.stderr, "write").mockImplementation(keep),
  ];
  try {
    await createProgram()
      .exitOverride()
      .parseAsync(["node", "wsproof", ...args]);
    return { code: Number(process.exitCode ?? 0), output };
  } catch (error) {
    return { code: 2, output: `${output}${error instanceof Error ? error.stack : error}` };
  } finally {
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}

beforeAll(async () => {
  symlinkSync(path.join(root, "node_modules"), path.join(work, "node_modules"));
  writeFileSync(path.join(work, "package.json"), '{ "type": "module" }');
  for (const [at, entry] of entries.entries()) {
    const row = rows[at]!;
    const file = documentOf(entry);
    const linted = await run("lint", "--spec", file);
    if (linted.code !== 0)
      row.failed.set(
        "lint",
        linted.output
          .split("\n\n")
          .filter((block) => !/ {2}(info|warning) {2}/.test(block))
          .join("\n"),
      );
    mkdirSync(path.join(work, row.name));
    const generated = await run("generate", "--spec", file, "--out", path.join(work, row.name));
    if (generated.code !== 0) row.failed.set("generate", generated.output);
    const listed = await run("verify", "--spec", file, "--list");
    const lists = listed.code === 0 && /handshake-accepted: [^(\n]*$/m.test(listed.output);
    if (!withoutWebSocket.has(row.name) && !lists) row.failed.set("list", listed.output.slice(0, 2_000));
    const page = existsSync(path.join(work, row.name, "protocol.html"))
      ? readFileSync(path.join(work, row.name, "protocol.html"), "utf8")
      : "";
    const fault = faultOfPage(page, row);
    if (fault !== undefined) row.failed.set("page", fault);
  }
  await compileAll();
  for (const row of rows) {
    const file = path.join(work, "dist", row.name, "protocol.gen.js");
    const validators = path.join(work, row.name, "validators");
    try {
      await import(pathToFileURL(file).href);
      for (const name of existsSync(validators) ? readdirSync(validators).filter((one) => one.endsWith(".js")) : []) {
        await import(pathToFileURL(path.join(validators, name)).href);
      }
    } catch (error) {
      row.failed.set("import", String(error));
    }
  }
}, 300_000);

function faultOfPage(page: string, { name, title }: Row): string | undefined {
  if (!page.includes("</html>")) return "there is no whole page";
  const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]!);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) return `two elements have the id ${twice}`;
  if (page.includes("[object Object]")) return "shows [object Object]";
  if (withoutWebSocket.has(name) && page.includes("new WebSocket")) return "connects by WebSocket where the document has none";
  return page.includes(title.replaceAll("&", "&amp;").replaceAll('"', "&quot;").split("&")[0]!)
    ? undefined
    : "does not name the document";
}

/** One run of tsc over all that was generated; each message is told to its document. */
async function compileAll(): Promise<void> {
  const options = {
    strict: true,
    target: "es2023",
    module: "nodenext",
    moduleResolution: "nodenext",
    outDir: "dist",
    rootDir: ".",
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    allowJs: false,
    rewriteRelativeImportExtensions: true,
    types: [],
  };
  writeFileSync(
    path.join(work, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, include: ["*/*.ts", "*/validators/*.ts"] }),
  );
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [path.join(root, "node_modules/typescript/bin/tsc"), "-p", work, "--pretty", "false"],
      { cwd: work, maxBuffer: 64 << 20 },
      (_error, stdout, stderr) => resolve(stdout + stderr),
    );
  });
  for (const line of output.split("\n").filter((one) => one.includes("error TS"))) {
    const row = rows.find(({ name }) => line.startsWith(`${name}/`));
    if (row === undefined) throw new Error(`tsc: ${line}`);
    row.failed.set("tsc", `${row.failed.get("tsc") ?? ""}${line}\n`);
  }
}

test("the corpus holds at least 60 documents of versions 2.0 to 3.1", () => {
  expect(rows.length).toBeGreaterThanOrEqual(60);
  expect(new Set(rows.map(({ version }) => version))).toEqual(
    new Set(["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0", "3.0.0", "3.1.0"]),
  );
});

test.each(rows.map((row) => [row.name, row] as const))("%s passes every step", (_name, { failed }) => {
  expect([...failed].map(([step, why]) => `${step}: ${why}`).join("\n")).toBe("");
});

test("generated/CORPUS.md holds these results; update it with `npx vitest run harness/commands/corpus.test.ts -u`", async () => {
  const passed = rows.filter(({ failed }) => failed.size === 0).length;
  const lines = rows.map(
    ({ name, version, title, failed }) =>
      `| ${title.replaceAll("|", "\\|")} | \`${name}\` | ${version} | ${steps.map((step) => (failed.has(step) ? "**failed**" : "passed")).join(" | ")} |`,
  );
  const text = [
    "# The corpus",
    "",
    "<!-- Written by `npx vitest run harness/commands/corpus.test.ts -u`. Do not edit. -->",
    "",
    `Documents of \`spec/fixtures/corpus\`, one for each kind seen in public. ${passed} of ${rows.length} pass every step: lint without an error, generate, \`tsc --strict\`,`,
    "import of the generated modules, `verify --list`, and a page without duplicate ids.",
    "",
    `| document | file | AsyncAPI | ${steps.join(" | ")} |`,
    `|---|---|---|${steps.map(() => "---|").join("")}`,
    ...lines,
    "",
  ].join("\n");
  await expect(text).toMatchFileSnapshot(path.join(root, "generated/CORPUS.md"));
});
