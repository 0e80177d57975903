// The package as a user gets it: packed, installed into an empty folder elsewhere, and used by its command, its types and its functions.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-package-"));
const user = path.join(folder, "user");
let tarball = "";

beforeAll(() => {
  run(root, "npm", "pack", "--silent", "--pack-destination", folder);
  tarball = path.join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
  mkdirSync(user);
  writeFileSync(path.join(user, "package.json"), '{ "type": "module" }');
  run(user, "npm", "install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", tarball);
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }), 180_000);

describe("what is in it", () => {
  it("is under 800 kB, and has no test, source map or planted server", () => {
    const names = run(folder, "tar", "tzf", tarball).split("\n");
    expect(statSync(tarball).size).toBeLessThan(800_000); // readable code: a stack trace of a user names lines
    expect(names.filter((name) => /\.test\.|\.map$|fixtures|test-server|mutation\//.test(name))).toEqual([]);
    expect(names).toContain("package/LICENSE");
  });

  it("holds these folders, with these kinds of files", () => {
    const held = new Map<string, Set<string>>();
    for (const name of run(folder, "tar", "tzf", tarball).trim().split("\n")) {
      const [, top = "", layer, part, deeper] = name.split("/");
      const place = deeper !== undefined ? `${layer}/${part}` : part !== undefined ? layer! : "";
      if (top === "dist") held.set(place, (held.get(place) ?? new Set()).add(path.extname(name)));
    }
    const listed = [...held].map(([place, kinds]) => `${place}: ${[...kinds].sort().join(" ")}`).sort();
    expect(listed).toMatchInlineSnapshot(`
      [
        "generated/validators: .js",
        "generated: .html .js .json .md .ts",
        "harness/client: .js",
        "harness/cluster: .js",
        "harness/commands:  .js .json .md .ts .yaml .yml",
        "harness/conformance: .js .json .py .ts",
        "harness/load: .js",
        "harness/mock: .js",
        "harness/model: .js .ts",
        "harness/report: .js .json .ts",
        "harness/schema: .js .ts",
        "harness/testbed: .js",
        "harness/traffic: .js .json",
        "harness: .js .ts",
        "reference/client: .js .ts",
        "reference/deploy:  .cfg .conf",
        "reference/hub: .js .lua",
        "reference/page: .css .html .js .json .svg",
        "reference: .js",
        "scripts/codegen: .js",
        "spec/diff: .js .ts",
        "spec/examples: .yaml",
        "spec/lint: .js",
        "spec: .js .json .md .ts .yaml",
      ]
    `);
  });

  it("has the guides and pages that its README and guides link to; the rest is in the repository", () => {
    const installed = path.join(user, "node_modules", "wsproof");
    const guides = readdirSync(path.join(installed, "spec/guides")).filter((name) => name.endsWith(".md"));
    expect(guides.length).toBeGreaterThan(8);
    const missing = ["README.md", ...guides.map((name) => `spec/guides/${name}`)].flatMap((file) =>
      [...readFileSync(path.join(installed, file), "utf8").matchAll(/\]\((?!https?:)([^)#]+)/g)]
        .map(([, to]) => path.join(path.dirname(file), to!))
        .filter((to) => !existsSync(path.join(installed, to))),
    );
    const ofDevelopment = /^(CONTRIBUTING|generated\/(PEERS|NODES|PROTOCOL|MUTATION|KILL-MATRIX|DOCUMENT-MUTANTS))\.md$/;
    expect(missing.filter((to) => !ofDevelopment.test(to))).toEqual([]);
  });

  it("is chosen by at most six negative patterns", () => {
    const { files } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    expect(files.filter((pattern: string) => pattern.startsWith("!")).length).toBeLessThanOrEqual(6);
  });

  it("has every file that its programs import, and no module that none does", () => {
    const installed = path.join(user, "node_modules", "wsproof");
    const entries = [
      "harness/cli.js",
      "harness/index.js",
      "harness/testing.js",
      "reference/client/client.js",
      "reference/main.js",
    ];
    const reached = reachable(entries.map((entry) => path.join(installed, "dist", entry)));
    const all = modulesIn(path.join(installed, "dist"));
    const unreached = all.filter(
      (file) => !reached.has(file) && !/generated\/validators|\.gen\.js$|reference\/page\//.test(file),
    );
    // Modules of types alone leave an empty module behind, or the lists that the types are made of.
    const isOfTypes = /^(?:export (?:\{\}|const \w+ = \[[^\]]*\]);?\s*)+$/;
    expect(unreached.filter((file) => !isOfTypes.test(statements(file)))).toEqual([]);
  });
});

describe("the command", () => {
  it("verifies the reference server", () => {
    expect(wsproof("verify", "--phase", "handshake")).toMatch(/Conformant: \d+ rules passed\.\n$/);
  });

  it("lints, generates and compares", () => {
    expect(wsproof("lint")).toContain("0 errors, 0 warnings");
    expect(wsproof("generate", "--out", "generated")).toContain("new: generated/types.gen.ts");
    const own = "node_modules/wsproof/dist/spec/asyncapi.yaml";
    expect(wsproof("diff", own, own)).toContain("nothing changed on the wire");
  });

  it("says in one line what it cannot do", () => {
    expect(() => wsproof("replay", "nothing")).toThrow(/^wsproof: no failure "nothing"/m);
  });

  it("loads nothing but commander and the commands' definitions for --help", () => {
    const coverage = path.join(folder, "coverage");
    run(user, process.execPath, "--", "node_modules/wsproof/dist/harness/cli.js", "--help", { NODE_V8_COVERAGE: coverage });
    const report = JSON.parse(readFileSync(path.join(coverage, readdirSync(coverage)[0]!), "utf8"));
    const urls: string[] = report.result.map(({ url }: { url: string }) => url).filter((url: string) => url.startsWith("file:"));
    expect(urls.length).toBeGreaterThan(1);
    const own =
      "cli|schema/(errors|version)|report/escape|commands/[a-z/-]+|load/(scenario|scenarios|operations|scenarios/[a-z]+)";
    const facts = "harness/cluster/log-roles|spec/(pointer|raw|schema-walk|guarded-regexp)";
    const allowed = new RegExp(`node_modules/(commander/|wsproof/dist/(harness/(${own})|${facts})\\.js)`);
    expect(urls.filter((url) => !allowed.test(url))).toEqual([]);
  });
});

describe("the functions", () => {
  it("verify resolves with the report and prints nothing", () => {
    writeFileSync(
      path.join(user, "own.js"),
      `import { verify } from "wsproof";
      const { exitCode, verdict, rules } = await verify({ only: ["handshake-accepted"], seed: 7 });
      console.log(JSON.stringify({ exitCode, verdict, ids: rules.map(({ id }) => id) }));`,
    );
    const printed = JSON.parse(run(user, process.execPath, "own.js"));
    expect(printed).toMatchObject({ exitCode: 0, verdict: expect.stringContaining("Conformant") });
    expect(printed.ids.every((id: string) => id.startsWith("handshake-accepted"))).toBe(true);
  });

  it("an option that cannot be used is a UsageError that names it", () => {
    writeFileSync(
      path.join(user, "wrong.js"),
      `import { UsageError, verify } from "wsproof";
      await verify({ runs: 0 }).catch((error) => console.log(error instanceof UsageError, error.message));`,
    );
    expect(run(user, process.execPath, "wrong.js")).toBe("true expected runs from 1 to 1000000, got 0\n");
  });

  it("are typed, for a strict compiler without types of Node", () => {
    writeFileSync(
      path.join(user, "typed.ts"),
      `import { bench, check, describeContract, diff, generate, lint, verify } from "wsproof";
      import type { Difference, Finding, GenerateResult, Report, RunEvent } from "wsproof";
      import { createClient, type RoomsClient } from "wsproof/client";
      export const report: Report = await verify({ url: "ws://127.0.0.1:1", phases: ["handshake"] });
      export const client: RoomsClient = createClient({ url: "ws://127.0.0.1:1", token: () => "" });
      export const harmed: Report = await verify({ nodes: 2, faults: true, messages: 100 });
      export const findings: readonly Finding[] = await lint({ spec: "x.yaml" });
      export const { changed }: GenerateResult = await generate({ spec: "x.yaml", out: "generated", check: true });
      export const { needed }: Difference = await diff("a.yaml", "b.yaml");
      export const p99: number | undefined = (await bench({ rate: 5, durationMs: 1000 })).result?.latency.p99;
      await describeContract({ url: async () => "ws://127.0.0.1:1", spec: "x.yaml" });
      await verify({ signal: new AbortController().signal, onEvent: (event: RunEvent) => event.type });
      const { signal } = new AbortController();
      export const checked: Report = await check({ files: ["traffic.ndjson"], spec: "x.yaml", side: "client", signal });
      await bench({ signal, onProgress: ({ step, done }) => [step, done] });
      await generate({ spec: "x.yaml", out: "generated", signal });
      // @ts-expect-error a number, or true
      await verify({ faults: "many" });
      // @ts-expect-error no such option
      await verify({ phase: "handshake" });`,
    );
    const compiler = path.join(root, "node_modules", ".bin", "tsc");
    const flags = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--ignoreConfig", "--types", ""];
    expect(run(user, compiler, ...flags, "typed.ts")).toBe("");
  });
});

describe("wsproof init", () => {
  const project = path.join(folder, "board");

  it("writes a project that passes npm install && npm test as it stands", () => {
    const said = wsproof("init", project);
    expect(said).toContain("wrote .github/workflows/test.yml");
    expect(said).toContain(`cd ${project}`);
    // From where the user installed it, so that the next command works as printed.
    const { devDependencies } = JSON.parse(readFileSync(path.join(project, "package.json"), "utf8"));
    expect(devDependencies.wsproof).toBe(`file:${tarball}`);
    run(project, "npm", "install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund");
    const tested = run(project, "npm", "test");
    expect(tested).toMatch(/Conformant: \d+ rules passed\.\n/);
    expect(tested).toMatch(/\d+ passed, \d+ not applicable/); // no warning
  }, 180_000);

  it("whose test fails when the server breaks the document", () => {
    const file = path.join(project, "src", "server.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace("!from.topics.has(topic)", "topic === ''"));
    expect(() => run(project, "npm", "test")).toThrow();
    expect(readFileSync(path.join(project, "wsproof.xml"), "utf8")).toMatch(/requirement-is-enforced"[^>]*>\s*<failure/);
  }, 180_000);

  it("overwrites nothing", () => {
    expect(() => wsproof("init", project)).toThrow(
      /^wsproof: .* has .*asyncapi\.yaml, .*nothing was written; give a new folder/m,
    );
  });
});

function wsproof(...args: string[]): string {
  return run(user, "npx", "--no-install", "wsproof", ...args);
}

/** The last argument may be an environment to add. @returns stdout @throws with stderr in the message */
function run(cwd: string, command: string, ...args: (string | Record<string, string>)[]): string {
  const env = args.find((arg) => typeof arg === "object") ?? {};
  const words = args.filter((arg) => typeof arg === "string");
  return execFileSync(command, words, { cwd, env: { ...process.env, ...env }, encoding: "utf8", stdio: "pipe" });
}

function modulesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => path.join(directory, name));
}

function statements(file: string): string {
  return readFileSync(file, "utf8")
    .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*/gm, "")
    .trim();
}

/** What these import, and what they start by its URL. @throws where a module imports a file that is not there */
function reachable(entries: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    const text = readFileSync(file, "utf8");
    const imports = text.matchAll(/(?:(?:^|;)(?:import|export)\b[^;"'`]*|\bimport\(\s*|new Worker\(new URL\()"(\.[^"]+\.js)"/gm);
    // A generator of code holds imports of the code that it emits.
    const own = [...imports].filter(([, to]) => !(file.includes("codegen") && to!.endsWith(".gen.js")));
    for (const [, to] of own) waiting.push(path.join(path.dirname(file), to!));
  }
  return reached;
}
