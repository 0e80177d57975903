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
  /** Rules that are judged, default all. */
  readonly asked?: ReadonlySet<string>;
}

/** Runs cases until there are none left or `judged` says stop; what is under way then is still finished. @throws TargetLost */
export async function runCases(
  context: Context,
  protocol: Protocol,
  { runs, seed, lanes = 8, steps, asked }: LaneOptions,
  judged: (plan: StatefulCase, executed: Executed, index: number) => "go on" | "stop",
): Promise<void> {
  const arbitrary = caseArbitrary(protocol, { nodes: context.target.urls.length, ...(steps === undefined ? {} : { steps }) });
  let next = 0;
  let stopped = false;
  const lane = async () => {
    while (next < runs && !stopped) {
      const index = next++;
      const plan = drawCase(arbitrary, seed, index);
      const executed = await execute(context, protocol, plan, asked === undefined ? {} : { asked });
      if (judged(plan, executed, index) === "stop") stopped = true;
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const one of settled) if (one.status === "rejected") throw one.reason;
}
