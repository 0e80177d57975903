// Coverage: which promises of the document a run put to the test. A promise at zero could be broken without being noticed.
import type { DocumentPointer } from "../../spec/contract.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import type { Obligations } from "./obligation.ts";
import type { Evaluation } from "./outcomes.ts";
import { callsOf, type Protocol } from "./protocol.ts";

/** Counts the effects that are checked through others: changes of relations and renewals. */
export function coverEffects(evaluation: Evaluation, { changed }: Obligations, collector: ResultCollector) {
  for (const invocation of evaluation.trace.invocations) {
    if (invocation.outcome !== "ok") continue;
    for (const effect of invocation.operation?.effects ?? []) {
      const changes = (effect.kind === "add" || effect.kind === "remove") && changed.get(invocation) === "yes";
      if (changes || effect.kind === "renew") collector.cover(effect.pointer);
    }
  }
  for (const connection of evaluation.trace.connections.values()) {
    if (connection.hungUpAt === Number.POSITIVE_INFINITY) continue;
    for (const tuple of evaluation.membership.tuplesOf(connection)) {
      const relation = evaluation.protocol.contract.state.relations.find(({ name }) => name === tuple.relation);
      for (const effect of relation?.onDisconnect ?? []) if (effect.kind === "remove") collector.cover(effect.pointer);
    }
  }
}

/** Every promise that a stateful run can put to the test: requirements, effects, and errors that requirements name. */
export function promisesOf({ contract, channel }: Protocol): DocumentPointer[] {
  const asked = contract.operations.filter((operation) => operation.action === "receive" && operation.channel === channel.id);
  const operations = [...asked, ...callsOf(contract)];
  // What a server may refuse for reasons of its state is covered whichever way it decides.
  const requirements = operations.flatMap(({ requires }) => requires.filter(({ kind }) => kind !== "may"));
  const bestEffort = new Set(
    channel.delivery?.streams.filter(({ guarantee }) => guarantee === "best-effort").flatMap(({ messages }) => messages),
  );
  const effects = [
    ...operations.flatMap(({ effects: list }) => list),
    ...contract.state.relations.flatMap(({ onDisconnect }) => onDisconnect),
  ];
  const named = new Set(requirements.map((requirement) => requirement.else));
  return [
    ...requirements.map(({ pointer }) => pointer),
    ...effects.filter((effect) => effect.kind !== "deliver" || !bestEffort.has(effect.message)).map(({ pointer }) => pointer),
    ...(contract.errors?.codes ?? []).filter(({ code }) => named.has(code)).map(({ pointer }) => pointer),
  ];
}
