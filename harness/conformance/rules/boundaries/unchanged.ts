// Texts at their bounds come through as they were: not cut, not trimmed, not normalised, characters outside the basic plane whole.

import type { Pointer } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { delicateTexts, messagesAt } from "../../../schema/boundaries.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { valueAt } from "../../../schema/edit.ts";
import { Violation } from "../../../schema/errors.ts";
import type { Json } from "../../../schema/json.ts";
import { shortened } from "../../answer.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { type DeliveryPromise, deliveries, freeTexts, isOf, stage } from "../examples/deliveries.ts";

interface CarriedPromise extends DeliveryPromise {
  /** In the request. */
  readonly source: Pointer;
  /** In the delivery. */
  readonly at: Pointer;
}

/** Fields of deliveries that carry a text of the request which decides nothing else. */
function carried(subject: ContractUnderTest): readonly CarriedPromise[] {
  return deliveries(subject).flatMap((promise) => freeTexts(promise).map((carried) => ({ ...promise, ...carried })));
}

export const unchangedRules: readonly Rule[] = [
  rule<CarriedPromise>({
    id: "boundaries-text-unchanged",
    level: "MUST",
    phase: "boundaries",
    title: "delivers text unchanged, at maximum length and with unusual characters",
    from: carried,
    async check(context, promise) {
      const { client, effect, source, at } = promise;
      const { message } = client;
      const { of } = dataOf(context.contract);
      const { samples, validator, bounds } = of(message);
      const isValid = validator.compile(message.payload);
      const scene = await stage(context, promise);
      const longest = bounds
        .filter(({ location, kind }) => location === source && kind === "length")
        .flatMap((bound) => messagesAt(bound, scene.message as Json, message.payload, samples, validator))
        .filter(({ valid }) => valid)
        .map(({ value }) => valueAt(value, source));
      const texts = [...new Set([...longest, ...delicateTexts])].filter((text) =>
        isValid(withValueAt(scene.message, source, text)),
      );
      for (const text of texts.slice(0, 14)) {
        const sent = withValueAt(scene.message, source, text);
        if (client.operation.reply === undefined) scene.sender.send(sent);
        else
          await scene.sender.request(
            message.correlation === undefined ? sent : withValueAt(sent, message.correlation, context.id(message.name)),
          );
        const wanted = Object.assign(isOf(effect, scene.sender), { describes: `${effect.message} of this sender` });
        const delivered = await scene.other.receive(wanted);
        const actual = lookup(delivered.value, at);
        if (actual !== text) {
          throw new Violation(
            `${shortened(JSON.stringify(text))} at ${at} of ${effect.message}`,
            shortened(JSON.stringify(actual) ?? "nothing"),
          );
        }
      }
    },
    brokenBy: ({ effect, at }) => faults.altersField(effect.message, at),
  }),
];
