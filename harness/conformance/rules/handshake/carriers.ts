// Where the credential may stand in the handshake, and which place wins where it stands in two.

import type { Carrier, Refusal } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { encoded } from "../../../client/dial.ts";
import { Violation } from "../../../schema/errors.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { expectRefusal, refusals } from "./refused.ts";

interface Carried extends Clause {
  readonly carrier: Carrier;
  /** In the document's list. */
  readonly place: number;
}

function carriers({ channel: { handshake } }: ContractUnderTest): readonly Carried[] {
  return (handshake?.credentials?.carriers ?? []).map((carrier, place) => ({
    pointer: `${handshake?.pointer}/credentials/carriers/${place}`,
    text: `The credential may be in ${describeCarrier(carrier)}.`,
    carrier,
    place,
  }));
}

interface Contested extends Carried {
  readonly loser: Carrier;
  readonly refusal: Refusal;
}

/** Each carrier with the one after it, where a bad credential is refused. */
function contests(subject: ContractUnderTest): readonly Contested[] {
  const all = carriers(subject);
  const [refusal] = refusals(subject, "credential-invalid");
  if (refusal === undefined) return [];
  return all.slice(0, -1).map((winner, at) => ({
    ...winner,
    text: `The server looks for the credential in ${describeCarrier(winner.carrier)} before ${describeCarrier(all[at + 1]!.carrier)}.`,
    loser: all[at + 1]!.carrier,
    refusal,
  }));
}

function describeCarrier(carrier: Carrier): string {
  if (carrier.in === "header") return `the header ${carrier.name}`;
  return carrier.in === "query" ? `the query parameter ${carrier.name}` : `a subprotocol that begins with ${carrier.prefix}`;
}

export const carrierRules: readonly Rule[] = [
  rule({
    id: "handshake-carrier-accepted",
    level: "MUST",
    phase: "handshake",
    title: "accepts the credential by each declared carrier",
    from: carriers,
    async check({ dial }, { carrier }) {
      await (await dial({ carrier })).fence();
    },
    brokenBy: ({ place }) => faults.ignoresCarrier(place),
  }),
  rule({
    id: "handshake-carrier-order",
    level: "MUST",
    phase: "handshake",
    title: "prefers the first declared carrier when two hold a credential",
    from: contests,
    async check(context, { carrier, loser, refusal }) {
      const good = await context.credential();
      const bad = "no.such.credential";
      const client = await context.dial({ credential: good, carrier, also: [{ carrier: loser, credential: bad }] });
      await client.fence();
      await expectRefusal(context, refusal, { credential: bad, carrier, also: [{ carrier: loser, credential: good }] });
    },
    brokenBy: ({ place }) => faults.prefersOtherCarrier(place),
  }),
  rule({
    id: "handshake-credential-not-repeated",
    level: "MUST",
    phase: "handshake",
    title: "does not echo the credential in headers or messages",
    from: carriers,
    async check({ dial }, { carrier }) {
      const client = await dial({ carrier });
      const credential = client.user.credential ?? "";
      const secrets = [credential, ...(carrier.in === "subprotocol" ? [encoded(carrier, credential)] : [])];
      const told = [...[...client.headers].map(([name, value]) => `${name}: ${value}`), client.first?.text ?? ""];
      const leak = told.find((text) => secrets.some((secret) => text.includes(secret)));
      if (leak !== undefined)
        throw new Violation("the credential nowhere in the answer", `the answer contains it: ${leak.slice(0, 60)}...`);
    },
    brokenBy: () => faults.repeatsRequest(),
  }),
];
