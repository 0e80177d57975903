// Draws cases and runs them in parallel lanes; names are unique, so that cases do not meet.
import type { Protocol } from "../../model/protocol.ts";
import type { Context } from "../context.ts";
import type { StatefulCase } from "./case.ts";
import { type Executed, execute } from "./execute.ts";
import { caseArbitrary, drawCase, type StepCount } from "./generate-cases.ts";

export interface LaneOptions {
  /** Cases to run. */
  readonly runs: number;
  readonly seed: number;
  /** Cases at the same time, default 8. */
  readonly lanes?: number;
  /** Steps of a case, default 4 to 20. */
  readonly steps?: StepCount;
  /** Cases beside them in which credentials run out: they are all under way from the start and wait together. Default 0. */
  readonly expiring?: number;
  /** Rules that are judged, default all. */
  readonly asked?: ReadonlySet<string>;
}

/** With more, many steps would come after all that can run out has. */
const slowSteps: StepCount = { min: 2, max: 10 };

/** Runs cases until there are none left or `judged` says stop; what is under way then is still finished. @throws TargetLost */
export async function runCases(
  context: Context,
  protocol: Protocol,
  { runs, seed, lanes = 8, steps, expiring = 0, asked }: LaneOptions,
  judged: (plan: StatefulCase, executed: Executed, index: number) => "go on" | "stop",
): Promise<void> {
  const nodes = context.target.urls.length;
  const arbitrary = caseArbitrary(protocol, { nodes, ...(steps === undefined ? {} : { steps }) });
  const slow = expiring > 0 ? caseArbitrary(protocol, { nodes, steps: slowSteps, expiring: true }) : undefined;
  let next = 0;
  let stopped = false;
  const run = async (plan: StatefulCase, index: number) => {
    const executed = await execute(context, protocol, plan, asked === undefined ? {} : { asked });
    if (judged(plan, executed, index) === "stop") stopped = true;
  };
  const lane = async () => {
    while (next < runs && !stopped) {
      const index = next++;
      await run(drawCase(arbitrary, seed, index), index);
    }
  };
  const settled = await Promise.allSettled([
    ...Array.from({ length: expiring }, (_, index) => run(drawCase(slow ?? arbitrary, seed, index), runs + index)),
    ...Array.from({ length: lanes }, lane),
  ]);
  for (const one of settled) if (one.status === "rejected") throw one.reason;
}
