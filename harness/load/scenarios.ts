// The load scenarios, in the order in which --help shows them. A new one is a literal here and nowhere else.
import type { Scenario } from "./scenario.ts";
import { churn } from "./scenarios/churn.ts";
import { echo } from "./scenarios/echo.ts";
import { fanout } from "./scenarios/fanout.ts";
import { handshake } from "./scenarios/handshake.ts";
import { idle } from "./scenarios/idle.ts";
import { mixed } from "./scenarios/mixed.ts";
import { publish } from "./scenarios/publish.ts";
import { ramp } from "./scenarios/ramp.ts";
import { slow } from "./scenarios/slow.ts";
import { soak } from "./scenarios/soak.ts";
import { storm } from "./scenarios/storm.ts";

const all: readonly Scenario[] = [fanout, publish, echo, mixed, handshake, idle, churn, slow, storm, ramp, soak];

export const scenarios: ReadonlyMap<string, Scenario> = new Map(all.map((one) => [one.name, one]));
export const scenarioNames: readonly string[] = [...scenarios.keys()];

/** @throws where there is none of this name: settings were checked before */
export function scenarioOf(name: string): Scenario {
  const scenario = scenarios.get(name);
  if (scenario === undefined) throw new Error(`no scenario is named ${name}`);
  return scenario;
}
