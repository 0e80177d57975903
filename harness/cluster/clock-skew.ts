// Handshakes with credentials from a skewed clock: every node rejects or accepts them as the document says, at any time.

import type { Refusal } from "../../spec/contract.ts";
import type { ClientContext, ContractUnderTest } from "../client/context.ts";
import type { CredentialOptions } from "../client/credentials.ts";
import type { User } from "../client/received.ts";
import type { TestClient } from "../client/test-client.ts";
import { NotTestable, TargetLost, Violation } from "../schema/errors.ts";
import type { SkewedHandshake } from "./log-history.ts";

const offSeconds = 600;
const lifetimeSeconds = 3_600;

interface Offer {
  readonly what: string;
  /** By how much the issuer's clock is ahead of ours. */
  readonly aheadSeconds: number;
  /** undefined: it is accepted. */
  readonly when: Refusal["when"] | undefined;
}

const offers: readonly Offer[] = [
  { what: `a clock ${offSeconds} s ahead: not yet valid`, aheadSeconds: offSeconds, when: "credential-invalid" },
  { what: `a clock ${offSeconds} s behind: still valid`, aheadSeconds: -offSeconds, when: undefined },
  {
    what: `a clock ${lifetimeSeconds + offSeconds} s behind: expired`,
    aheadSeconds: -lifetimeSeconds - offSeconds,
    when: "credential-expired",
  },
];

/** How the document rejects credentials that are not valid now; empty where credentials have no times. */
export function clockRefusals({ channel }: ContractUnderTest): readonly Refusal[] {
  const { credentials, refusals = [] } = channel.handshake ?? {};
  if (credentials?.scheme !== "jwt" || channel.handshake?.first === undefined) return [];
  return refusals.filter(({ when }) => offers.some((offer) => offer.when === when));
}

/** A credential as an issuer with that clock makes it. */
function credentialOf({ aheadSeconds }: Offer): CredentialOptions {
  return {
    lifetimeSeconds: lifetimeSeconds + aheadSeconds,
    notBeforeSeconds: aheadSeconds,
    claims: { iat: Math.floor(Date.now() / 1000) + aheadSeconds },
  };
}

/** One handshake of each kind at each node, one after the other. Does nothing where no credential can be issued. */
export async function handshakeWithSkewedClocks(context: ClientContext, handshakes: SkewedHandshake[]): Promise<void> {
  const refusals = clockRefusals(context);
  if (refusals.length === 0) return;
  for (const node of context.target.urls.keys()) {
    for (const offer of offers) {
      const refusal = refusals.find(({ when }) => when === offer.when);
      if (offer.when !== undefined && refusal === undefined) continue;
      const { context: own, end } = context.part();
      try {
        handshakes.push(await dial(own, node, offer, refusal, refusals));
      } catch (error) {
        if (error instanceof NotTestable) return;
        throw error;
      } finally {
        await end();
      }
    }
  }
}

async function dial(
  context: ClientContext,
  node: number,
  offer: Offer,
  refusal: Refusal | undefined,
  refusals: readonly Refusal[],
): Promise<SkewedHandshake> {
  const user = await context.user(credentialOf(offer));
  const atMs = context.clock.nowMs();
  const answer = await answerTo(context, node, user);
  const { what } = offer;
  return {
    node,
    atMs,
    endedAtMs: context.clock.nowMs(),
    what,
    expected: refusal === undefined ? "accepted" : describe(refusal),
    actual: answer,
    asDeclared: isAsDeclared(answer, refusal, refusals),
  };
}

/** In the words of `describe`; another text where no answer came. */
async function answerTo(context: ClientContext, node: number, user: User): Promise<string> {
  let client: TestClient | undefined;
  try {
    const answer = await context.attempt({ user, node });
    if (answer.kind === "refused") return `HTTP ${answer.status}`;
    if (answer.kind === "dropped") return answer.how;
    ({ client } = answer);
    await client.receive(context.channel.handshake!.first!);
    return "accepted";
  } catch (error) {
    if (!(error instanceof Violation || error instanceof TargetLost)) throw error;
    return client?.closed === undefined ? "no answer" : `close ${client.closed.code}`;
  }
}

function describe({ outcome }: Refusal): string {
  return "http" in outcome ? `HTTP ${outcome.http}` : `close ${outcome.close}`;
}

/** A node that is down, drains, or has lost Redis says nothing of credentials. */
function isAsDeclared(answer: string, refusal: Refusal | undefined, refusals: readonly Refusal[]): boolean | undefined {
  if (answer === (refusal === undefined ? "accepted" : describe(refusal))) return true;
  return answer === "accepted" || refusals.some((one) => describe(one) === answer) ? false : undefined;
}
