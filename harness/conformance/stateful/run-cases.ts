// Draws cases and runs them side by side. Their names are unique, so that cases do not meet.
import pMap from "p-map";
import type { Protocol } from "../../model/protocol.ts";
import type { Context } from "../context.ts";
import { Broadcasts } from "./broadcasts.ts";
import type { StatefulCase } from "./case.ts";
import { type Executed, execute } from "./execute.ts";
import { caseArbitrary, drawCase, type StepCount } from "./generate-cases.ts";

export interface RunCasesOptions {
  /** Cases to run. */
  readonly runs: number;
  readonly seed: number;
  /** Cases at the same time, default 8. */
  readonly concurrency?: number;
  /** Steps of a case, default 4 to 20. */
  readonly steps?: StepCount;
  /** Additional cases in which credentials expire. All of them start at once and wait together. Default 0. */
  readonly expiring?: number;
  /** Rules that are checked, default all. */
  readonly asked?: ReadonlySet<string>;
}

/** With more steps, many would come after everything has expired. */
const expiringSteps: StepCount = { min: 2, max: 10 };

/** Runs cases until there are none left or `evaluated` says stop; running cases are still finished. @throws TargetLost */
export async function runCases(
  context: Context,
  protocol: Protocol,
  { runs, seed, concurrency = 8, steps, expiring = 0, asked }: RunCasesOptions,
  evaluated: (plan: StatefulCase, executed: Executed, index: number) => "go on" | "stop",
): Promise<void> {
  const nodes = context.target.urls.length;
  const arbitrary = caseArbitrary(protocol, { nodes, ...(steps === undefined ? {} : { steps }) });
  const broadcasts = new Broadcasts(protocol);
  let stopped = false;
  const run = async (plan: StatefulCase, index: number) => {
    const executed = await execute(context, protocol, plan, { broadcasts, ...(asked === undefined ? {} : { asked }) });
    if (evaluated(plan, executed, index) === "stop") stopped = true;
  };
  function* indices() {
    for (let index = 0; index < runs && !stopped; index++) yield index;
  }
  const waiting = expiring > 0 ? caseArbitrary(protocol, { nodes, steps: expiringSteps, expiring: true }) : undefined;
  const settled = await Promise.allSettled([
    ...Array.from({ length: expiring }, (_, index) => run(drawCase(waiting ?? arbitrary, seed, index), runs + index)),
    pMap(indices(), (index) => run(drawCase(arbitrary, seed, index), index), { concurrency }),
  ]);
  for (const one of settled) if (one.status === "rejected") throw one.reason;
}
