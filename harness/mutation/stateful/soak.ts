// Many random cases against the reference server, which must not give a single finding: `npm run soak [-- --runs 2000 --jitter 20 --stall 300 --redis-delay 5]`.

import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { beginCheck } from "../../conformance/check.ts";
import { openRun } from "../../conformance/open-run.ts";
import { describeStep } from "../../conformance/stateful/case.ts";
import { runCases } from "../../conformance/stateful/run-cases.ts";
import { promisesOf } from "../../model/coverage.ts";
import { createProtocol } from "../../model/protocol.ts";
import { startSoakTarget } from "./soak-target.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "500" },
    /** Of each case. */
    steps: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    concurrency: { type: "string", default: "8" },
    /** Cases beside them in which credentials run out. */
    expiring: { type: "string", default: "0" },
    /** ms, between the harness and the server. */
    jitter: { type: "string", default: "0" },
    /** ms, now and then. */
    stall: { type: "string", default: "0" },
    /** ms: two nodes, and each packet between them and their Redis takes about as long. */
    "redis-delay": { type: "string" },
  },
});
const [runs, count, seed, concurrency, jitterMs, stallMs, expiring] = (
  ["runs", "steps", "seed", "concurrency", "jitter", "stall", "expiring"] as const
).map((name) => Number(values[name])) as [number, number, number, number, number, number, number];
const redisDelayMs = values["redis-delay"] === undefined ? undefined : Number(values["redis-delay"]);

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const heapMb = () => {
  collectGarbage();
  return (process.memoryUsage().heapUsed / 1e6).toFixed(1);
};

const { contract } = await loadContract({ file: defaultSpecFile });
if (contract === undefined) throw new Error("the document does not load");
const protocol = createProtocol(contract);
const { channel } = protocol;
const { target, secret, proxied, stop } = await startSoakTarget({ contract, channel, seed, jitterMs, stallMs, redisDelayMs });
const opened = await openRun({ contract, channel, target, auth: { secret }, seed, runs });
const check = beginCheck({ ...opened.run, target: await proxied(opened.run.messages) });
const startMb = heapMb();
const startMs = performance.now();
let [failed, steps, taken, inconclusive] = [0, 0, 0, 0];
const coverage = new Map<string, number>();
await runCases(
  check.context,
  protocol,
  { runs, seed, concurrency, steps: { min: count, max: count }, expiring },
  (plan, { result, history, taken: ofCase }, index) => {
    if (index < runs) {
      steps += plan.steps.length;
      taken += ofCase;
    }
    for (const [pointer, times] of result.coverage) coverage.set(pointer, (coverage.get(pointer) ?? 0) + times);
    if (index % 500 === 499) console.log(`${index + 1} cases, heap ${heapMb()} MB`);
    if (result.inconclusive.length > 0 || result.open.length > 0) {
      inconclusive++;
      const why = [...result.inconclusive, ...result.open.map(({ expected }) => `open: ${expected}`)];
      console.log(`case ${index} inconclusive: ${why.join("; ")}`);
    }
    if (result.findings.length === 0) return "go on";
    failed++;
    console.log(`case ${index}:\n${plan.steps.map((step) => `  ${describeStep(step, true)}`).join("\n")}`);
    for (const finding of result.findings.slice(0, 4)) {
      console.log(`  ${finding.rule} ${finding.pointer}\n    expected ${finding.expected}\n    actual ${finding.actual}`);
      for (const at of finding.events) console.log(`      ${at} ${JSON.stringify(history[at])}`);
    }
    return failed < 5 ? "go on" : "stop";
  },
);
const seconds = (performance.now() - startMs) / 1000;
await check.end();
const endMb = heapMb();
console.log(
  `${runs} runs of ${(steps / runs).toFixed(1)} steps (${(taken / runs).toFixed(1)} taken) in ${seconds.toFixed(1)} s on ${target.urls.length} node(s)${expiring === 0 ? "" : `, beside ${expiring} runs with credentials that expire`}, heap ${startMb} MB at the start and ${endMb} MB at the end, ${failed} with findings, ${inconclusive} inconclusive`,
);
for (const pointer of promisesOf(protocol)) if (!coverage.has(pointer)) console.log(`never put to the test: ${pointer}`);
await opened.end();
await stop();
process.exitCode = failed + inconclusive === 0 ? 0 : 1;
