// What an operation over HTTP accepts: every body that its schema allows, to the bounds.
import type { ContractUnderTest } from "../../../client/context.ts";
import { type Bound, type BoundKind, messagesAt } from "../../../schema/boundaries.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { Violation } from "../../../schema/errors.ts";
import type { Json } from "../../../schema/json.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { errorsFor, isReadable } from "../client-messages.ts";
import { described, exchange, type HttpPromise, httpOperations, withStatus } from "./exchange.ts";

interface BoundPromise extends HttpPromise {
  readonly bound: Bound;
}

/** Odd texts are for the message that they come through in, which other rules look at. */
const left: readonly BoundKind[] = ["text"];

function bounds(subject: ContractUnderTest): readonly BoundPromise[] {
  const { of } = dataOf(subject.contract);
  if (withStatus(errorsFor(subject, ["not-in-schema"])).length === 0) return [];
  return httpOperations(subject).flatMap((http) => {
    const { samples, validator, bounds: all } = of(http.message);
    return all
      .filter(({ kind }) => !left.includes(kind))
      .filter((bound) => messagesAt(bound, samples.all[0]!, http.message.payload, samples, validator).some(({ valid }) => valid))
      .map((bound) => ({ pointer: bound.pointer, text: `\`${http.operation.id}\` takes what its schema allows.`, http, bound }));
  });
}

export const httpAcceptedRules: readonly Rule[] = [
  rule<BoundPromise>({
    id: "http-body-accepted",
    level: "MUST",
    phase: "boundaries",
    title: "accepts HTTP bodies at schema bounds and with optional properties omitted",
    from: bounds,
    async check(context, { http, bound }) {
      const { of } = dataOf(context.contract);
      const { samples, validator } = of(http.message);
      const base = http.message.examples[0]!.payload as Json;
      const statuses = withStatus(errorsFor(context, ["not-in-schema"])).map((error) => error.http);
      for (const { label, value, valid } of messagesAt(bound, base, http.message.payload, samples, validator)) {
        if (!valid || !isReadable(context, JSON.stringify(value))) continue;
        const answer = await exchange(context, http, { body: value });
        if (statuses.includes(answer.status))
          throw new Violation(`${label} at ${bound.location || "the body"} to be accepted`, described(answer));
      }
    },
    brokenBy: ({ http }, subject) =>
      faults.changesStatus(http.success?.httpStatus ?? 200, withStatus(errorsFor(subject, ["not-in-schema"]))[0]!.http!),
  }),
];
