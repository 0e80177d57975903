// The document with one promise taken out or altered: an honest server must now break some rule. Pure.
import type { Contract } from "../../spec/contract.ts";
import type { Add, Mutable, Mutant } from "./document-mutant.ts";
import { alterChannels, alterErrors, alterHandshakes } from "./mutate-channels.ts";
import { alterEffects, alterRequirements } from "./mutate-operations.ts";
import { alterSchemas } from "./mutate-schemas.ts";
import { placesOf } from "./places.ts";

/**
 * All mutants of the document, in its order. What would only loosen what the server must do is left out: no server that keeps the
 * document could break it then, so that no black box could notice. So a message of the server is only made narrower, and nothing
 * that may be left undone is altered to another that may.
 * @param first the first message of the server that will be held to them, for the numbers in force: the document's own are made up
 *   for by those, and a number that is far from what the server does would say little
 */
export function mutantsOf(contract: Contract, first?: unknown): readonly Mutant[] {
  const mutants: Mutant[] = [];
  const add: Add = (kind, pointer, change, also = []) => {
    const copy = structuredClone(contract) as Mutable<Contract>;
    change(copy);
    const places = [...new Set([pointer, ...also].flatMap((place) => placesOf(contract, place)))];
    mutants.push({ id: `${kind} ${pointer}`, kind, pointer, places, contract: copy as unknown as Contract });
  };
  alterEffects(contract, add);
  alterRequirements(contract, add);
  alterHandshakes(contract, add);
  alterChannels(contract, first, add);
  alterErrors(contract, add);
  alterSchemas(contract, add);
  return mutants;
}
