// Subprotocols: which the server chooses, and what happens to a client that offers none that it speaks.

import type { Refusal } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { Violation } from "../../../schema/errors.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { expectRefusal, refusals } from "./refused.ts";

interface Spoken extends Clause {
  /** Best first. */
  readonly spoken: readonly string[];
}

function subprotocols({ channel: { handshake } }: ContractUnderTest): readonly Spoken[] {
  if (handshake === undefined || handshake.subprotocols.length === 0) return [];
  const text = `The server speaks ${handshake.subprotocols.join(", ")}, best first.`;
  return [{ pointer: `${handshake.pointer}/subprotocols`, text, spoken: handshake.subprotocols }];
}

function expectChosen(client: TestClient, wanted: readonly string[]): void {
  if (wanted.includes(client.subprotocol)) return;
  const actual = client.headers.has("sec-websocket-protocol") ? client.subprotocol : "no Sec-WebSocket-Protocol";
  throw new Violation(`the subprotocol ${wanted.join(" or ")}`, actual);
}

const unknown = "wsproof.never-heard-of";

function unacceptable(subject: ContractUnderTest): readonly (Refusal & Clause)[] {
  return subprotocols(subject).length === 0 ? [] : refusals(subject, "subprotocol-not-acceptable");
}

export const subprotocolRules: readonly Rule[] = [
  rule({
    id: "handshake-subprotocol-chosen",
    level: "MUST",
    phase: "handshake",
    title: "selects each declared subprotocol when it alone is offered",
    from: subprotocols,
    async check({ dial }, { spoken }) {
      for (const one of spoken) expectChosen(await dial({ subprotocols: [one] }), [one]);
    },
    brokenBy: () => faults.echoesNoSubprotocol(),
  }),
  rule({
    id: "handshake-subprotocol-among-unknown",
    level: "MUST",
    phase: "handshake",
    title: "selects a declared subprotocol among unknown ones, at any position",
    from: subprotocols,
    async check({ dial }, { spoken }) {
      const [best = ""] = spoken;
      expectChosen(await dial({ subprotocols: [unknown, best] }), [best]);
      expectChosen(await dial({ subprotocols: [best, unknown] }), [best]);
    },
    brokenBy: () => faults.echoesWrongSubprotocol(unknown),
  }),
  rule({
    id: "handshake-subprotocol-plain",
    level: "MUST",
    phase: "handshake",
    title: "never selects the subprotocol that carries the credential",
    from: (subject) =>
      (subject.channel.handshake?.credentials?.carriers ?? []).some((carrier) => carrier.in === "subprotocol")
        ? subprotocols(subject)
        : [],
    async check({ dial, channel }, { spoken }) {
      const carrier = channel.handshake?.credentials?.carriers.find((one) => one.in === "subprotocol");
      if (carrier !== undefined) expectChosen(await dial({ carrier }), spoken);
    },
    brokenBy: ({ spoken }) => faults.echoesWrongSubprotocol(`${spoken[0]}, bearer.abc`),
  }),
  rule({
    id: "handshake-subprotocol-none-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects a client that offers no subprotocol, as declared",
    from: unacceptable,
    async check(context, refusal) {
      await expectRefusal(context, refusal, { subprotocols: [] });
    },
    brokenBy: () => faults.acceptsHandshake("subprotocol-not-acceptable"),
  }),
  rule({
    id: "handshake-subprotocol-unknown-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects a client that offers only unknown subprotocols, as declared",
    from: unacceptable,
    async check(context, refusal) {
      await expectRefusal(context, refusal, { subprotocols: [unknown, `${unknown}.2`] });
    },
    brokenBy: () => faults.acceptsHandshake("subprotocol-not-acceptable"),
  }),
  rule({
    id: "handshake-subprotocol-never-invented",
    level: "MUST",
    phase: "handshake",
    title: "never selects a subprotocol that was not offered",
    from: () => [
      {
        pointer: "RFC 6455 section 4.2.2",
        text: "The value chosen must be one that the client offered; otherwise the header is not sent.",
      },
    ],
    async check(context) {
      for (const offered of [[], [unknown]]) {
        const answer = await context.attempt({ subprotocols: offered });
        if (answer.kind !== "open") continue;
        const chosen = answer.client.headers.get("sec-websocket-protocol");
        if (chosen !== undefined && !offered.includes(chosen)) {
          throw new Violation(`no subprotocol, or one of those offered (${offered.join(", ") || "none"})`, chosen);
        }
      }
    },
    brokenBy: () => faults.echoesWrongSubprotocol("never-offered"),
  }),
];
