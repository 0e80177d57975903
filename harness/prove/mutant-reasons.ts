// Why an altered document goes unnoticed. Each reason is general: it holds for every alteration of its kind, in any document. Pure.
import type { Contract } from "../../spec/contract.ts";
import type { Mutant } from "./mutants.ts";
import { isWithin, placesOf } from "./places.ts";

export interface MutantReason {
  readonly says: string;
  /** @param contract the document as it was */
  holds(contract: Contract, mutant: Pick<Mutant, "kind" | "pointer">): boolean;
}

export const mutantReasons: readonly MutantReason[] = [
  {
    says: "of a channel over HTTP, and the harness judges WebSocket channels",
    holds(contract, { pointer }) {
      const channels = contract.channels.filter(({ kind }) => kind === "http");
      const owners = [
        ...contract.operations.filter(({ channel }) => channels.some(({ id }) => id === channel)),
        ...contract.messages.filter(({ name }) => channels.some(({ messages }) => messages.includes(name))),
      ];
      const places = placesOf(contract, pointer);
      return places.every((place) => owners.some((owner) => isWithin(place, owner.pointer)));
    },
  },
];

/** The first reason that holds; undefined: there is none, so that a rule is missing. */
export function mutantReasonFor(contract: Contract, mutant: Pick<Mutant, "kind" | "pointer">): MutantReason | undefined {
  return mutantReasons.find((reason) => reason.holds(contract, mutant));
}
