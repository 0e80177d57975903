// The values that relations hold for a connection now, such as ids that the server made: read from the history so far.

import { createTrace } from "../../model/create-trace.ts";
import { recordEnds } from "../../model/credential-validity.ts";
import { canonical } from "../../model/frame.ts";
import { Membership } from "../../model/membership.ts";
import { recordChanges } from "../../model/obligations.ts";
import type { CaseState, Participant } from "./case-state.ts";

/** The distinct values of the column in the tuples of the participant's present connection, oldest first. */
export function heldValues(state: CaseState, { client }: Participant, relation: string, column: string): readonly unknown[] {
  const { context, protocol, credentials } = state;
  const knowledge = {
    claimsOf: () => new Map(),
    credentials,
    accepts: (name: string, frame: unknown) => context.wrongWith(name, frame).length === 0,
  };
  const trace = createTrace(protocol, context.history(), knowledge);
  const evaluation = { protocol, trace, knowledge, membership: new Membership() };
  recordEnds(evaluation);
  recordChanges(evaluation);
  const values = new Map<string, unknown>();
  for (const tuple of evaluation.membership.tuples(relation, new Map())) {
    const last = tuple.transitions.at(-1);
    if (tuple.connection.id !== client?.connection || last?.to !== "in" || !last.certain) continue;
    values.set(canonical(tuple.key.get(column)), tuple.key.get(column));
  }
  return [...values.values()];
}
