// A fault that is planted on a server of the gallery, and which rules must name it.
import type { Fault } from "../../conformance/faults/plan.ts";

export interface PlantedFault {
  readonly kind: string;
  readonly fault: Fault;
  /** Ids of rules one of which must fail. */
  readonly named: RegExp;
  /** What runs: phases, or rules by how their ids begin (with a hyphen in it), that can see it. */
  readonly runs: readonly string[];
}

export type Plant = (kind: string, named: RegExp, runs: PlantedFault["runs"], fault: Fault) => void;
