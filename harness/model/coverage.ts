// Coverage: which promises of the document a run put to the test. A promise at zero could be broken without being noticed.
import type { DocumentPointer } from "../../spec/contract.ts";
import type { Judging } from "./judgement.ts";
import type { Obligations } from "./obligations.ts";
import type { World } from "./outcomes.ts";
import { callsOf, type Protocol } from "./protocol.ts";

/** Counts the effects that are judged through others: changes of relations and renewals. */
export function coverEffects(world: World, { changed }: Obligations, judging: Judging) {
  for (const act of world.recording.acts) {
    if (act.outcome !== "done") continue;
    for (const effect of act.operation?.effects ?? []) {
      const changes = (effect.kind === "add" || effect.kind === "remove") && changed.get(act) === "yes";
      if (changes || effect.kind === "renew") judging.cover(effect.pointer);
    }
  }
  for (const link of world.recording.links.values()) {
    if (link.hungUpAt === Number.POSITIVE_INFINITY) continue;
    for (const row of world.membership.rowsOf(link)) {
      const relation = world.protocol.contract.state.relations.find(({ name }) => name === row.relation);
      for (const effect of relation?.onDisconnect ?? []) if (effect.kind === "remove") judging.cover(effect.pointer);
    }
  }
}

/** Every promise that a stateful run can put to the test: requirements, effects, and errors that requirements name. */
export function promisesOf({ contract, channel }: Protocol): DocumentPointer[] {
  const asked = contract.operations.filter((operation) => operation.action === "receive" && operation.channel === channel.id);
  const operations = [...asked, ...callsOf(contract)];
  const requirements = operations.flatMap(({ requires }) => requires);
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
