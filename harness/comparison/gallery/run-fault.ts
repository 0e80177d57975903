// Verifies one server of the gallery behind a proxy that plants one fault.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { createValidators } from "../../../spec/schemas.ts";
import type { ContractUnderTest } from "../../client/context.ts";
import { createMessages } from "../../client/messages.ts";
import { parseBaseline } from "../../conformance/baseline.ts";
import { expectContractUnderTest } from "../../conformance/load-contract-under-test.ts";
import { phases } from "../../conformance/rules.ts";
import { startProxy } from "../../mutation/proxy/proxy.ts";
import type { FaultRun } from "./emit-faults.ts";
import { plantedFaults } from "./faults.ts";
import type { PlantedFault } from "./planted-fault.ts";
import { baselineOf, runServer } from "./run-server.ts";
import { examples, type GalleryServer } from "./servers.ts";

/** Those that can be seen: what the server does wrong by itself, as all rules say that were chosen, need not be planted. */
export async function faultsOf(server: GalleryServer): Promise<readonly PlantedFault[]> {
  const ids = phases.flatMap(({ rules }) => rules.map(({ id }) => id));
  const baseline = baselineOf(server);
  const known = existsSync(baseline) ? parseBaseline(readFileSync(baseline, "utf8"), baseline, ids) : [];
  const excused = known.filter(({ expected }) => expected === undefined).map(({ id }) => id);
  const faults = plantedFaults(await subjectOf(server));
  return faults.filter(({ named }) => ids.some((id) => named.test(id) && !excused.includes(id)));
}

export async function runFault(server: GalleryServer, planted: PlantedFault): Promise<FaultRun> {
  const { how } = planted.fault;
  if (how.by !== "proxy") throw new Error(`the fault ${planted.fault.id} is none that a proxy plants`);
  const subject = await subjectOf(server);
  const validators = createValidators(subject.contract);
  const messages = createMessages(subject.contract, subject.channel, (name, value) =>
    validators
      .of(name)(value)
      .map(({ text }) => text),
  );
  const { report } = await runServer(server, {
    ...{
      seed: 1,
      more: [
        "--timeout",
        "2000",
        "--runs",
        "25",
        ...planted.runs.flatMap((one) => [one.includes("-") ? "--only" : "--phase", one]),
      ],
    },
    before: (url) => startProxy({ ...subject, target: new URL(url), messages, transformations: how.transformations }),
  });
  return { server: server.id, planted, report };
}

function subjectOf({ example, path: urlPath }: GalleryServer): Promise<ContractUnderTest> {
  return expectContractUnderTest({
    spec: path.join(examples, example, "asyncapi.yaml"),
    urls: typeof urlPath === "string" ? [`ws://127.0.0.1:1${urlPath}`] : [],
    ...{ perspective: undefined, overlay: undefined, server: undefined, variables: undefined },
  });
}
