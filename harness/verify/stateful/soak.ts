// Many random cases against the reference server, which must not give a single finding: `npm run soak -- --runs 2000 [--jitter 20] [--stall 300]`.
import { parseArgs } from "node:util";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { startProxy } from "../../faults/proxy.ts";
import { promisesOf } from "../../model/coverage.ts";
import { createProtocol } from "../../model/protocol.ts";
import { beginCheck } from "../check.ts";
import { startEmbedded } from "../embedded.ts";
import { openRun } from "../open-run.ts";
import { describeStep } from "./case.ts";
import { runCases } from "./run-cases.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    jitter: { type: "string", default: "0" },
    stall: { type: "string", default: "0" },
    lanes: { type: "string", default: "8" },
  },
});
const [runs, seed, jitterMs, stallMs, lanes] = [values.runs, values.seed, values.jitter, values.stall, values.lanes].map(
  Number,
) as [number, number, number, number, number];

const { contract } = await loadContract({ file: defaultSpecFile });
if (contract === undefined) throw new Error("the document does not load");
const protocol = createProtocol(contract);
const { channel } = protocol;
const server = await startEmbedded({ path: channel.address });
const direct = { urls: [server.url], origin: undefined, pid: server.pid, embedded: true, askToStop: undefined };
const auth = { secret: server.secret };
const opened = await openRun({ contract, channel, target: direct, auth, seed, runs });
const delays = { seed, jitterMs, stallMs, stallEvery: stallMs > 0 ? 200 : 0 };
const proxy =
  jitterMs + stallMs > 0
    ? await startProxy({ target: new URL(server.url), contract, channel, messages: opened.run.messages, delays })
    : undefined;
const run = proxy === undefined ? opened.run : { ...opened.run, target: { ...direct, urls: [proxy.url] } };
const check = beginCheck(run);
const startMs = performance.now();
let failed = 0;
let steps = 0;
let inconclusive = 0;
const coverage = new Map<string, number>();
await runCases(check.context, protocol, { runs, seed, lanes }, (plan, { judgement, history }, index) => {
  steps += plan.steps.length;
  for (const [pointer, count] of judgement.coverage) coverage.set(pointer, (coverage.get(pointer) ?? 0) + count);
  if (index % 500 === 499) console.log(`${index + 1} cases, heap ${Math.round(process.memoryUsage().heapUsed / 1e6)} MB`);
  if (judgement.inconclusive.length > 0 || judgement.open.length > 0) {
    inconclusive++;
    console.log(
      `case ${index} inconclusive: ${[...judgement.inconclusive, ...judgement.open.map(({ expected }) => `open: ${expected}`)].join("; ")}`,
    );
  }
  if (judgement.findings.length === 0) return "go on";
  failed++;
  console.log(`case ${index}:\n${plan.steps.map((step) => `  ${describeStep(step)}`).join("\n")}`);
  for (const finding of judgement.findings.slice(0, 4)) {
    console.log(`  ${finding.rule} ${finding.pointer}\n    expected ${finding.expected}\n    actual ${finding.actual}`);
    for (const at of finding.events) console.log(`      ${at} ${JSON.stringify(history[at])}`);
  }
  return failed < 5 ? "go on" : "stop";
});
const seconds = (performance.now() - startMs) / 1000;
console.log(`${runs} cases, ${steps} steps, ${seconds.toFixed(1)} s, ${failed} with findings, ${inconclusive} inconclusive`);
for (const pointer of promisesOf(protocol)) if (!coverage.has(pointer)) console.log(`never put to the test: ${pointer}`);
await check.end();
await opened.end();
await proxy?.close();
await server.stop();
process.exitCode = failed + inconclusive === 0 ? 0 : 1;
