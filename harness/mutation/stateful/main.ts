// Each rule of the phase against the fault that it names: `npm run mutation:stateful [-- --only ID]`. The rule itself must fail, not just any.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { statefulRules } from "../../conformance/stateful/rules.ts";
import { createProtocol } from "../../model/protocol.ts";
import { startReferenceProcess } from "../../testbed/reference-process.ts";
import { proveRule } from "./mutate-rule.ts";

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, runs: { type: "string", default: "60" } } });
const { contract } = await loadContract({ file: defaultSpecFile });
if (contract === undefined) throw new Error("the document does not load");
const { channel } = createProtocol(contract);
const server = await startReferenceProcess({ path: channel.address });
const folder = mkdtempSync(join(tmpdir(), "wsproof-prove-"));
let missed = 0;
for (const rule of statefulRules.filter(({ id }) => id.startsWith(values.only))) {
  for (const proof of await proveRule({ contract, channel, server, rule, runs: Number(values.runs), folder })) {
    if (!proof.found) missed++;
    const seconds = (proof.durationMs / 1000).toFixed(1);
    console.log(
      `${proof.found ? "found " : "MISSED"} ${rule.id} behind ${proof.fault} (${seconds} s, ${proof.steps} steps; also ${proof.others.join(", ")})`,
    );
  }
}
rmSync(folder, { recursive: true });
await server.stop();
process.exitCode = missed === 0 ? 0 : 1;
