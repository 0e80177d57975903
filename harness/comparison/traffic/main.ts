// npm run traffic:trial: proves that verify, mock, record and check agree, for many documents and servers. Arguments name the parts.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import fc from "fast-check";
import pMap from "p-map";
import { defaultSpecFile } from "../../../spec/load-contract.ts";
import { UsageError } from "../../schema/errors.ts";
import { startReferenceProcess } from "../../testbed/reference-process.ts";
import { baselineOf, startServer } from "../gallery/run-server.ts";
import { examples, galleryServers, root } from "../gallery/servers.ts";
import { checkHonest } from "./honest-histories.ts";
import { randomDocument } from "./random-document.ts";
import { type Agreement, verifyMock } from "./verify-mock.ts";
import { verifyThroughRecord } from "./verify-through-record.ts";

const usage = `Usage: npm run traffic:trial -- PART... [--seed N] [--count N] [--spec FILE]

  mock     verify against the mock, all phases: rooms.v1, spec/examples and the corpus, or --spec FILE
  random   the same for --count random documents (default 200)
  record   verify through record and without: the same verdict of each rule, on the reference and graphql-ws
  honest   check of --count histories of honest pairs (default 200): no finding`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, count: { type: "string" }, spec: { type: "string", multiple: true } },
});
const seed = Number(values.seed ?? 1);
const count = Number(values.count ?? 200);
const say = (line: string) => process.stdout.write(`${line}\n`);
/** When a server notices that a client does not read depends on all buffers between them. */
const ofBuffers = "limits-slow-consumer-closed";
/** Most of a run is waiting. */
const atOnce = 3;

/** @returns how many disagree */
async function tryMock(documents: readonly (readonly [name: string, spec: string, seed: number])[], more: readonly string[]) {
  let bad = 0;
  await pMap(
    documents,
    async ([name, spec, own]) => {
      const agreements = await verifyMock(spec, own, more);
      if (typeof agreements === "string") say(`-    ${name}: ${agreements}`);
      else for (const agreement of agreements) bad += Number(!tell(name, agreement));
    },
    { concurrency: atOnce },
  );
  return bad;
}

function tell(name: string, { url, passed, disagreements, untestable, code }: Agreement): boolean {
  const agrees = disagreements.length === 0 && code === 0;
  say(`${agrees ? "ok " : "BAD"}  ${name} ${new URL(url).pathname}: ${passed} passed, exit ${code}`);
  for (const line of disagreements) say(`       ${line}`);
  for (const line of untestable) say(`     not testable: ${line}`);
  return agrees;
}

function documentsOf(): (readonly [string, string, number])[] {
  if (values.spec !== undefined) return values.spec.map((file) => [path.basename(file), file, seed]);
  const corpus = path.join(root, "spec/fixtures/corpus");
  const within = (folder: string) => readdirSync(folder).map((entry) => path.join(folder, entry));
  const files = [...within(examples), ...within(corpus)].map((entry) => {
    if (!statSync(entry).isDirectory()) return entry;
    return path.join(entry, readdirSync(entry).find((name) => /^asyncapi\.ya?ml$/.test(name)) ?? "asyncapi.yaml");
  });
  return [defaultSpecFile, ...files].map((file) => [path.relative(root, file), file, seed]);
}

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-traffic-trial-"));
const parts: Readonly<Record<string, () => Promise<number>>> = {
  mock: () => tryMock(documentsOf(), []),
  record: tryRecord,
  honest: tryHonest,
  random: () => {
    const documents = fc.sample(randomDocument, { numRuns: count, seed }).map((document, index) => {
      const file = path.join(folder, `${index + 1}.json`);
      writeFileSync(file, JSON.stringify(document));
      return [`random document ${index + 1} of seed ${seed}`, file, index + 1] as const;
    });
    return tryMock(documents, ["--runs", "4"]);
  },
};

/** @returns how many rules differ */
async function tryRecord(): Promise<number> {
  let bad = 0;
  const compare = async (name: string, spec: string, url: string, more: readonly string[]) => {
    const { rules, differences: all, findings } = await verifyThroughRecord(spec, url, more);
    const differences = all.filter((line) => !line.startsWith(`${ofBuffers}:`));
    if (differences.length < all.length)
      say(`     ${ofBuffers} differs: the kernel holds more where there are two connections instead of one`);
    bad += differences.length;
    say(`${differences.length === 0 ? "ok " : "BAD"}  ${name}: ${rules} rules, ${differences.length} with another verdict`);
    for (const line of differences) say(`       ${line}`);
    for (const line of findings) say(`     check: ${line}`);
  };
  const reference = await startReferenceProcess({ path: "/ws" });
  try {
    await compare("reference", defaultSpecFile, reference.url, ["--auth-secret", reference.secret]);
  } finally {
    await reference.stop();
  }
  const graphql = galleryServers.find(({ id }) => id === "graphql-ws")!;
  const server = await startServer(graphql);
  try {
    await compare(graphql.id, path.join(examples, graphql.example, "asyncapi.yaml"), server.url, [
      "--baseline",
      baselineOf(graphql),
    ]);
  } finally {
    await server.stop();
  }
  return bad;
}

/** @returns how many have findings */
async function tryHonest(): Promise<number> {
  let bad = 0;
  const indices = Array.from({ length: count }, (_, index) => index);
  await pMap(
    indices,
    async (index) => {
      const { name, messages, findings } = await checkHonest(folder, index);
      bad += Number(findings.length > 0);
      say(`${findings.length === 0 ? "ok " : "BAD"}  history ${index + 1}, ${name}: ${messages} messages`);
      for (const line of findings) say(`       ${line}`);
    },
    { concurrency: atOnce },
  );
  return bad;
}

try {
  const unknown = positionals.find((part) => parts[part] === undefined);
  if (positionals.length === 0 || unknown !== undefined) throw new UsageError(usage);
  let bad = 0;
  for (const part of positionals) bad += await parts[part]!();
  say(bad === 0 ? "All agree." : `${bad} disagree.`);
  process.exitCode = bad === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
