// npm run compare:types: what our types and those of @asyncapi/modelina can say about ten documents of the corpus. Writes generated/TYPES.md.
// Modelina is 200 MB with its dependencies, so that it is installed for this run alone, into a temporary folder.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Contract } from "../spec/contract.ts";
import { loadContract } from "../spec/load-contract.ts";
import { bundle } from "../spec/schemas.ts";
import { emitTypes } from "./codegen/types/emit-types.ts";
import { typeNames } from "./codegen/types/type-names.ts";
import { projectRoot } from "./tracked-sources.ts";

const modelinaVersion = "5.10.1";

interface Probe {
  /** File of spec/fixtures/corpus. */
  readonly document: string;
  readonly message: string;
  readonly feature: "const tags" | "unions that narrow" | "null" | "tuples" | "closed objects" | "maps" | "recursion";
  /** Valid by the schema, as TypeScript: the type must take each. */
  readonly accepts: readonly string[];
  /** Invalid by the schema, and by this feature alone: the type must refuse each. */
  readonly rejects: readonly string[];
  /** Statements about `m`, a value of the type, that must compile. */
  readonly uses?: string;
}

const probes: readonly Probe[] = [
  {
    ...{ document: "json-rpc.yaml", message: "pause", feature: "const tags" },
    accepts: ['{ jsonrpc: "2.0", id: 1, method: "printer.pause" }'],
    rejects: ['{ jsonrpc: "2.0", id: 1, method: "printer.stop" }', '{ jsonrpc: "1.0", id: 1, method: "printer.pause" }'],
  },
  {
    ...{ document: "devtools.yaml", message: "enable", feature: "const tags" },
    accepts: ['{ id: 1, method: "Runtime.enable" }'],
    rejects: ['{ id: 1, method: "Runtime.disable" }'],
  },
  {
    ...{ document: "chat-one-of-payload.yaml", message: "fromClient", feature: "unions that narrow" },
    accepts: ['{ type: "say", text: "a" }', '{ type: "rename", name: "a" }'],
    rejects: ['{ type: "say" }'],
    uses: 'const text: string = m.type === "say" ? m.text : m.name;',
  },
  {
    ...{ document: "discriminator-2.6.yaml", message: "*", feature: "unions that narrow" },
    accepts: ['{ kind: "Car", doors: 4 }', '{ kind: "Bike", gears: 8 }'],
    rejects: ['{ kind: "Car" }'],
    uses: 'const count: number = m.kind === "Car" ? m.doors : m.gears;',
  },
  {
    ...{ document: "nullable-without-type.yaml", message: "state", feature: "null" },
    accepts: ['{ a: "on", b: null }', '{ a: "off", b: "x" }'],
    rejects: ['{ a: "on", b: 1 }'],
  },
  {
    ...{ document: "names-of-object-prototype.yaml", message: "set", feature: "null" },
    accepts: ['{ constructor: "a", valueOf: null }', '{ constructor: "a" }'],
    rejects: ['{ constructor: "a", valueOf: 1 }'],
  },
  {
    ...{ document: "json-rpc.yaml", message: "failure", feature: "null" },
    accepts: [
      '{ jsonrpc: "2.0", id: null, error: { code: 1, message: "a" } }',
      '{ jsonrpc: "2.0", id: 7, error: { code: 1, message: "a" } }',
    ],
    rejects: ['{ jsonrpc: "2.0", id: "7", error: { code: 1, message: "a" } }'],
  },
  {
    ...{ document: "open-tuples.yaml", message: "row", feature: "tuples" },
    accepts: ['["a"]', '["a", 1]', '["a", 1, true]'],
    rejects: ["[]", "[1]", '["a", "b"]'],
  },
  {
    ...{ document: "open-tuples.yaml", message: "cell", feature: "tuples" },
    accepts: ["[]", "[1]", "[1, true]"],
    rejects: ["[true]", "[1, 2]"],
  },
  {
    ...{ document: "ocpp-arrays.yaml", message: "heartbeat", feature: "tuples" },
    accepts: ['[2, "a", "Heartbeat", {}]'],
    rejects: ['[3, "a", "Heartbeat", {}]'],
  },
  {
    ...{ document: "recursive-union.yaml", message: "evaluate", feature: "closed objects" },
    accepts: ["{ expression: { not: 1 } }"],
    rejects: ["{ expression: { not: 1, or: 2 } }"],
  },
  {
    ...{ document: "recursive-union.yaml", message: "evaluate", feature: "recursion" },
    accepts: ["{ expression: { not: { add: [1, { not: 2 }] } } }"],
    rejects: ['{ expression: { not: { add: [1, { not: "2" }] } } }'],
  },
  {
    ...{ document: "maps-and-patterns.yaml", message: "totals", feature: "maps" },
    accepts: ["{ a: { sum: 1 }, b: { sum: 2 } }"],
    rejects: ['{ a: { sum: "1" } }'],
  },
  {
    ...{ document: "maps-and-patterns.yaml", message: "scores", feature: "maps" },
    accepts: ["{ round: 1, p1: 3 }"],
    rejects: ['{ round: "1" }'],
  },
  {
    ...{ document: "topic-arrays.yaml", message: "reply", feature: "tuples" },
    accepts: [
      '["1", "2", "room:a", "reply", { status: "ok" }]',
      '[null, "2", "room:a", "reply", { status: "error", response: {} }]',
    ],
    rejects: ['[1, "2", "room:a", "reply", { status: "ok" }]', '["1", "2", "room:a", "reply"]'],
  },
];

/** `can`, or what is wrong with the type. */
type Answer = "can" | "no type" | "does not compile" | "refuses valid values" | "takes invalid values" | "does not narrow";

interface Side {
  readonly text: string;
  readonly type: string;
}

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-types-"));

async function contractOf(document: string): Promise<Contract> {
  const { contract } = await loadContract({ file: path.join(projectRoot, "spec/fixtures/corpus", document) });
  if (contract === undefined) throw new Error(`${document} cannot be read`);
  return contract;
}

const messageOf = (contract: Contract, { message }: Probe) =>
  contract.messages.find(({ name }) => message === "*" || name === message) ?? contract.messages[0]!;

/** One model of Modelina for each payload, as interfaces, with the names of the document and its own settings at their strictest. */
function modelina(payloads: readonly unknown[]): string[] {
  writeFileSync(path.join(folder, "package.json"), "{}");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  execFileSync("npm", ["install", ...options, `@asyncapi/modelina@${modelinaVersion}`], { cwd: folder, stdio: "inherit" });
  const script = `
    const { TypeScriptGenerator } = require("@asyncapi/modelina");
    const generator = new TypeScriptGenerator({ modelType: "interface", enumType: "union", mapType: "record", rawPropertyNames: true });
    (async () => {
      const texts = [];
      for (const payload of ${JSON.stringify(payloads)}) {
        try {
          const models = await generator.generate({ $schema: "http://json-schema.org/draft-07/schema#", $id: "Payload", ...payload });
          texts.push(models.map(({ result }) => result).join("\\n\\n"));
        } catch { texts.push(""); }
      }
      process.stdout.write(JSON.stringify(texts));
    })();`;
  writeFileSync(path.join(folder, "models.cjs"), script);
  return JSON.parse(execFileSync(process.execPath, ["models.cjs"], { cwd: folder, encoding: "utf8", maxBuffer: 1 << 26 }));
}

/** One file for each probe; an answer for each, by the lines that tsc complains about. */
function answers(sides: readonly Side[], side: string): Answer[] {
  const files = sides.map(({ text, type }, index) => {
    const { accepts, rejects, uses = "" } = probes[index]!;
    const values = [...accepts, ...rejects].map((value, at) => `export const v${at}: ${type} = ${value};`);
    const use = `export function use(m: ${type}) { ${uses} }`;
    const name = `${side}${index}.ts`;
    writeFileSync(path.join(folder, name), [...values, use, text, "export {};"].join("\n"));
    return name;
  });
  const options = "--ignoreConfig --strict --noEmit --module nodenext --target es2023 --types".split(" ");
  let output = "";
  try {
    execFileSync(process.execPath, [path.join(projectRoot, "node_modules/typescript/bin/tsc"), ...options, "", ...files], {
      ...{ cwd: folder, encoding: "utf8" },
    });
  } catch (error) {
    output = String((error as { stdout?: unknown }).stdout);
  }
  return sides.map(({ text }, index): Answer => {
    const { accepts, rejects } = probes[index]!;
    const complaints = [...output.matchAll(new RegExp(`^${side}${index}\\.ts\\((\\d+),`, "gm"))].map(([, line]) => Number(line));
    const isBad = (from: number, to: number) => complaints.some((line) => line > from && line <= to);
    const last = accepts.length + rejects.length;
    if (text === "") return "no type";
    if (complaints.some((line) => line > last + 1)) return "does not compile";
    if (isBad(0, accepts.length)) return "refuses valid values";
    if (rejects.some((_, at) => !complaints.includes(accepts.length + at + 1))) return "takes invalid values";
    return isBad(last, last + 1) ? "does not narrow" : "can";
  });
}

try {
  const contracts = await Promise.all(probes.map(({ document }) => contractOf(document)));
  const messages = contracts.map((contract, index) => messageOf(contract, probes[index]!));
  const own: Side[] = [];
  for (const [index, contract] of contracts.entries())
    own.push({ text: await emitTypes(contract), type: typeNames(contract).messages.get(messages[index]!.name)! });
  const theirs = modelina(contracts.map((contract, index) => bundle(contract, messages[index]!.payload)));
  const [ours, others] = [
    answers(own, "own"),
    answers(
      theirs.map((text) => ({ text, type: "Payload" })),
      "modelina",
    ),
  ];
  const rows = probes.map(
    ({ feature, document }, index) =>
      `| ${feature} | \`${document}\` | ${messages[index]!.name} | ${ours[index]} | ${others[index]} |`,
  );
  const count = (list: readonly Answer[]) => `${list.filter((answer) => answer === "can").length} of ${list.length}`;
  const page = `# What types can say

<!-- Written by \`npm run compare:types\`. Do not edit. -->

The types of \`wsproof generate\` beside those of @asyncapi/modelina ${modelinaVersion} (TypeScript, interfaces, enums as unions, raw property names), on messages of
documents in \`spec/fixtures/corpus\`. For each, \`tsc --strict\` compiles values that the schema accepts and values that it rejects: *can* means that
the type takes the former and refuses the latter, and that a union narrows by its tag. ${count(ours)} and ${count(others)} can.

| what | document | message | wsproof | Modelina |
|---|---|---|---|---|
${rows.join("\n")}
`;
  writeFileSync(path.join(projectRoot, "generated/TYPES.md"), page);
  process.stdout.write(page);
} finally {
  rmSync(folder, { recursive: true });
}
