// npm run hostile [-- PART..]: the server and the client among hostile peers. Parts: neighbours, storm, fuzz, cluster, client, tests. Writes generated/HOSTILE.md and its quote in SECURITY.md; exits with 1 where something is not as it should be.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { tryHostileServers } from "./client-trials.ts";
import { runClusterTrial } from "./cluster-trial.ts";
import { formatTable, hostileLines } from "./format-hostile.ts";
import { runFuzz } from "./fuzz.ts";
import { runNeighbours } from "./neighbours.ts";
import { runReconnectStorm } from "./reconnect-storm.ts";
import { runTests } from "./run-tests.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const fuzzFrames = 200_000;
const clusterSize = { messages: 100_000, faultCount: 14 };
const testFiles = [
  "reference/hostile.test.ts",
  "reference/sockets.test.ts",
  "reference/tls.test.ts",
  "reference/flushall.test.ts",
  "reference/client/hostile.test.ts",
];

/** The table of before, with the lines that were tried again. */
function mergeTables(before: string, again: string): string {
  const rows = (text: string) => text.split("\n").filter((row) => row.startsWith("| "));
  const keyOf = (row: string) => row.split(" | ")[0]!;
  const fresh = new Map(rows(again).map((row) => [keyOf(row), row]));
  const kept = rows(before).map((row) => fresh.get(keyOf(row)) ?? row);
  const added = [...fresh].flatMap(([key, row]) => (rows(before).some((other) => keyOf(other) === key) ? [] : [row]));
  return [...kept, ...added].join("\n");
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

const parts = process.argv.slice(2);
const isWanted = (part: string): boolean => {
  if (parts.length > 0 && !parts.includes(part)) return false;
  say(`${part} ...`);
  return true;
};
const lines = hostileLines({
  ...(isWanted("neighbours") && { neighbours: await runNeighbours({ windowMs: 1_500, rounds: 1 }) }),
  ...(isWanted("storm") && { storm: await runReconnectStorm({ clients: 5_000, storms: 3 }) }),
  ...(isWanted("fuzz") && { fuzz: await runFuzz({ frames: fuzzFrames, seed: 13 }) }),
  ...(isWanted("cluster") && { cluster: await runClusterTrial(clusterSize, say) }),
  ...(isWanted("client") && { client: await tryHostileServers(process.execPath, []) }),
  ...(isWanted("tests") && { tests: runTests(testFiles) }),
});

const table =
  parts.length === 0 ? formatTable(lines) : mergeTables(readFileSync(`${root}generated/HOSTILE.md`, "utf8"), formatTable(lines));
const [cpu] = cpus();
writeFileSync(
  `${root}generated/HOSTILE.md`,
  [
    "# The server and the client among hostile peers",
    "",
    "<!-- Written by `npm run hostile`. Do not edit. -->",
    "",
    `\`npm run hostile\` on ${cpus().length} cores (${cpu?.model ?? "unknown"}), Node ${process.version}, shared with other work. SECURITY.md quotes the table.`,
    "",
    table,
    "",
  ].join("\n"),
);
const security = readFileSync(`${root}SECURITY.md`, "utf8");
const quote = /(<!-- quote of generated\/HOSTILE\.md -->\n).*?(\n<!-- end of the quote -->)/s;
if (!quote.test(security)) throw new Error("SECURITY.md has no place for the quote");
writeFileSync(
  `${root}SECURITY.md`,
  security.replace(quote, (_, begin: string, end: string) => `${begin}${table}${end}`),
);

const wrong = lines.flatMap((line) => (line.wrong === undefined ? [] : [line.wrong]));
for (const text of wrong) say(`WRONG  ${text}`);
say(wrong.length === 0 ? `${lines.length} lines, all as they should be` : `${wrong.length} of ${lines.length} lines are wrong`);
if (wrong.length > 0) process.exitCode = 1;
