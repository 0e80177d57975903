// All document mutants: the document with one statement removed or changed, so that the honest server must fail some rule. Pure.
import type { Contract } from "../../spec/contract.ts";
import { pointersAffectedBy } from "./affected-pointers.ts";
import type { Add, DocumentMutant, Mutable } from "./document-mutant.ts";
import { mutateChannels, mutateErrors, mutateHandshakes } from "./mutate-channels.ts";
import { mutateEffects, mutateRequirements } from "./mutate-operations.ts";
import { mutateSchemas } from "./mutate-schemas.ts";

/**
 * The mutants in the order of the document. Changes that only allow the server more are left out: a server that conforms to the
 * document conforms to those too. So a message of the server is only made narrower, and nothing optional becomes another option.
 * @param first the first message of the server under test; numbers that it advertises are changed from their advertised value, because
 *   the document's own number does not apply there
 */
export function documentMutantsOf(contract: Contract, first?: unknown): readonly DocumentMutant[] {
  const mutants: DocumentMutant[] = [];
  const add: Add = (kind, pointer, change, also = []) => {
    const copy = structuredClone(contract) as Mutable<Contract>;
    change(copy);
    const affected = [...new Set([pointer, ...also].flatMap((one) => pointersAffectedBy(contract, one)))];
    mutants.push({ id: `${kind} ${pointer}`, kind, pointer, affected, contract: copy as unknown as Contract });
  };
  mutateEffects(contract, add);
  mutateRequirements(contract, add);
  mutateHandshakes(contract, add);
  mutateChannels(contract, first, add);
  mutateErrors(contract, add);
  mutateSchemas(contract, add);
  return mutants;
}
