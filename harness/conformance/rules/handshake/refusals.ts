// Handshakes that are no handshake of our client: unknown path, no upgrade, foreign origin, too many connections.

import type { Limit, Refusal } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import type { User } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { NotTestable } from "../../../schema/errors.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { expectRefusal, refusals } from "./refused.ts";

type Refused = Refusal & Clause;

interface TooMany extends Refused {
  readonly limit: Limit;
}

/** More connections than this are not opened to reach a limit. */
const maxOpened = 200;

function tooMany(subject: ContractUnderTest): readonly TooMany[] {
  const limits = subject.channel.limits.filter(({ kind }) => kind === "connections");
  return refusals(subject, "too-many-connections").flatMap((refusal) => limits.map((limit) => ({ ...refusal, limit })));
}

/** All the connections that the user may hold. */
async function fill(context: Context, limit: Limit, user: User): Promise<TestClient[]> {
  const most = context.effective(limit);
  if (most > maxOpened)
    throw new NotTestable(`needs ${most} connections of one user, more than the ${maxOpened} that the harness opens`);
  return Promise.all(Array.from({ length: most }, () => context.dial({ user })));
}

export const refusalRules: readonly Rule[] = [
  rule<Refused>({
    id: "handshake-path-unknown-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects an upgrade on an unknown path, as declared",
    from: (subject) => refusals(subject, "path-unknown"),
    async check(context, refusal) {
      const own = new URL(context.target.urls[0] ?? "ws://none/").pathname;
      for (const path of [`${own}x`, `${own.replace(/\/$/, "")}/wsproof-nowhere`, "/wsproof-nowhere"])
        await expectRefusal(context, refusal, { path });
    },
    brokenBy: () => faults.acceptsHandshake("path-unknown"),
  }),
  rule<Refused>({
    id: "handshake-not-an-upgrade-rejected",
    level: "MUST",
    phase: "handshake",
    title: "answers a request without an upgrade as declared",
    from: (subject) => refusals(subject, "not-an-upgrade"),
    async check(context, refusal) {
      const plain = {
        Connection: "close",
        Upgrade: undefined,
        "Sec-WebSocket-Key": undefined,
        "Sec-WebSocket-Version": undefined,
      };
      await expectRefusal(context, refusal, { headers: plain, subprotocols: [] });
    },
    brokenBy: ({ outcome }) => faults.changesStatus("http" in outcome ? outcome.http : 426, 200),
  }),
  rule<Refused>({
    id: "handshake-origin-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects a foreign Origin, as declared",
    from: (subject) => refusals(subject, "origin-not-allowed"),
    async check(context, refusal) {
      for (const origin of ["https://wsproof-foreign.example", "null"]) await expectRefusal(context, refusal, { origin });
    },
    brokenBy: () => faults.acceptsHandshake("origin-not-allowed"),
  }),
  rule({
    id: "handshake-too-many-connections-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects one connection beyond the limit of a user and keeps the others open",
    from: tooMany,
    async check(context, { limit, ...refusal }) {
      const user = await context.user();
      const peers = await fill(context, limit, user);
      await expectRefusal(context, refusal, { user });
      await peers[0]?.fence();
    },
    brokenBy: () => faults.acceptsHandshake("too-many-connections"),
  }),
  rule({
    id: "handshake-connection-freed",
    level: "MUST",
    phase: "handshake",
    title: "accepts a connection again after one of the user's has ended",
    from: tooMany,
    async check(context, { limit }) {
      const user = await context.user();
      const [first] = await fill(context, limit, user);
      await first?.hangUp();
      await (await context.dial({ user })).fence();
    },
    brokenBy: () => faults.keepsHalfOpen(),
  }),
];
