// npm run gallery: verifies every server of the gallery against its document and writes spec/examples/*/RESULT.md.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import pMap from "p-map";
import { emitFaults, type FaultRow, parseRows, rowOf, rowStart } from "./emit-faults.ts";
import { emitResult } from "./emit-result.ts";
import { faultsOf, runFault } from "./run-fault.ts";
import { type GalleryRun, runServer } from "./run-server.ts";
import { examples, type GalleryServer, galleryServers, npmVersion, root, type Tools } from "./servers.ts";

const usage = `npm run gallery -- [--only ID]... [--seed N] [--repeat N]

Verifies real servers against the documents of spec/examples and writes a RESULT.md for each example.
  --only ID     one server: ${galleryServers.map(({ id }) => id).join(", ")}
  --seed N      seed of each run, default 1
  --faults      plants faults on the servers that CI runs (or on those of --only), one at a time on each, and writes generated/GALLERY.md
  --fresh       tries those faults again that stand in generated/GALLERY.md
  --repeat N    runs each server N times, with the seeds from --seed on; writes nothing when N is over 1
Exit codes: 0 no server has a failure that its baseline does not explain, 1 one has, 2 one could not be run.
Debian packages that are missing are named; install them with apt-get.`;

const tools: Tools = {
  npm: npmVersion,
  debian: (name) => /^Version: (.*)$/m.exec(execFileSync("dpkg", ["-s", name], { encoding: "utf8" }))![1]!,
};

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    seed: { type: "string", default: "1" },
    repeat: { type: "string", default: "1" },
    faults: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) process.stdout.write(`${usage}\n`);
else if (values.faults) process.exitCode = await plantAll(values.only, values.fresh);
else process.exitCode = await main(values.only, Number(values.seed), Number(values.repeat));

async function main(only: readonly string[], seed: number, repeat: number): Promise<number> {
  const unknown = only.find((id) => !galleryServers.some((server) => server.id === id));
  if (unknown !== undefined || !Number.isInteger(seed) || !Number.isInteger(repeat) || repeat < 1) {
    process.stderr.write(
      `${unknown === undefined ? "--seed and --repeat take whole numbers" : `there is no server ${unknown}`}\n\n${usage}\n`,
    );
    return 2;
  }
  const servers = galleryServers.filter(({ id }) => only.length === 0 || only.includes(id));
  const runs: GalleryRun[] = [];
  for (let turn = 0; turn < repeat; turn++) {
    for (const server of servers) {
      process.stderr.write(`${server.id}, seed ${seed + turn} ...`);
      const run = await runServer(server, { seed: seed + turn });
      runs.push(run);
      process.stderr.write(` exit ${run.code}: ${run.report?.verdict ?? run.output.slice(-400)}\n`);
      const failed = run.report?.rules.filter(({ verdict, known }) => verdict === "fail" && known === undefined) ?? [];
      for (const { id, failures } of failed) {
        process.stderr.write(`  ${id}: expected ${failures[0]?.expected}, got ${failures[0]?.actual}\n`);
      }
    }
  }
  if (repeat === 1) {
    for (const example of new Set(servers.map((server) => server.example))) {
      const own = galleryServers.filter((server) => server.example === example);
      const all = own.flatMap(({ id }) => runs.filter(({ server }) => server.id === id));
      // A page speaks of all its servers, or is left as it is.
      if (all.length === own.length) writeFileSync(path.join(examples, example, "RESULT.md"), emitResult(example, all, tools));
    }
  }
  const codes = runs.map(({ code }) => code);
  return codes.includes(2) ? 2 : codes.some((code) => code !== 0) ? 1 : 0;
}

/** The table is written after each fault, and what it holds of an earlier run is not run again, so that an end before its time loses nothing. */
async function plantAll(only: readonly string[], fresh: boolean): Promise<number> {
  const page = path.join(root, "generated/GALLERY.md");
  const earlier = parseRows(existsSync(page) ? readFileSync(page, "utf8") : "");
  const isAsked = ({ id, inCi }: GalleryServer) => (only.length === 0 ? inCi : only.includes(id));
  const planned = galleryServers.filter((server) => isAsked(server) || earlier.some((row) => row.server === server.id));
  const planted = await Promise.all(planned.map(async (server) => (await faultsOf(server)).map((fault) => ({ server, fault }))));
  const rows = planted.flat().map(({ server, fault }): FaultRow | undefined => {
    return fresh && isAsked(server) ? undefined : earlier.find(({ line }) => line.startsWith(rowStart(server.id, fault)));
  });
  const tried = () => rows.filter((row) => row !== undefined);
  await pMap(
    planted.flat(),
    async ({ server, fault }, index) => {
      if (rows[index] !== undefined || !isAsked(server)) return;
      const row = rowOf(await runFault(server, fault));
      rows[index] = row;
      process.stderr.write(`${server.id}: ${fault.kind} (${fault.fault.id}): ${row.verdict}\n`);
      writeFileSync(page, emitFaults(tried(), rows.length));
    },
    { concurrency: 2 },
  );
  writeFileSync(page, emitFaults(tried(), rows.length));
  return tried().every(({ verdict }) => verdict === "named") ? 0 : 1;
}
