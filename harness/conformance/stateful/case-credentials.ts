// Credentials that a case sends: valid, forged, of another user, with other claims, or short-lived.
import type { Operation } from "../../../spec/contract.ts";
import { requiredClaims } from "../../client/preconditions.ts";
import type { User } from "../../client/received.ts";
import type { Protocol } from "../../model/protocol.ts";
import type { Context } from "../context.ts";
import { askedOf, type SendStep } from "./case.ts";
import type { CaseState, Participant } from "./case-state.ts";
import { createShortLivedToken } from "./short-lived-tokens.ts";

export async function credentialFor(
  state: CaseState,
  step: SendStep,
  participant: Participant,
  operation: Operation,
): Promise<unknown> {
  const { context, protocol, credentials } = state;
  const { name, claims } = participant.user;
  if (step.credential === "other") {
    const other = await context.user();
    if (other.credential !== undefined) credentials.set(other.credential, { good: true, claims: other.claims });
    return other.credential;
  }
  if (step.credential === "short-lived") return (await shortLivedCredential(state, participant.user)).token;
  const lists = new Map([...claims].filter(([, value]) => Array.isArray(value)));
  if (step.credential === "lacking") for (const [claim, value] of shutOut(protocol, operation)) lists.set(claim, [value]);
  if (step.credential === "changed") {
    for (const [claim, values] of Object.entries(requiredClaims(askedOf(protocol)))) {
      if (lists.has(claim)) lists.delete(claim);
      else lists.set(claim, values);
    }
  }
  const bad = step.credential === "bad";
  const token = await context.credential({
    name,
    claims: Object.fromEntries(lists),
    ...(bad ? { forged: "other-key" as const } : {}),
  });
  const others = [...claims].filter(([, value]) => !Array.isArray(value));
  credentials.set(token, { good: !bad, claims: new Map([...others, ...lists]) });
  return token;
}

/** A claim that the operation does not allow, else one with which nobody may connect: the document says what becomes of it here. */
function shutOut({ channel }: Protocol, { requires }: Operation): (readonly [string, unknown])[] {
  const lacked = requires.flatMap((one) =>
    one.kind === "credential" && one.lacks !== undefined ? [[one.lacks.claim, one.lacks.value] as const] : [],
  );
  const refused = (channel.handshake?.refusals ?? []).flatMap(({ when, claim, contains }) =>
    when === "claim" && claim !== undefined ? [[claim, contains] as const] : [],
  );
  return [...lacked, ...refused].slice(0, 1);
}

/** A valid credential of the user that expires soon. @throws NotTestable */
export async function shortLivedCredential(
  { context, credentials }: Pick<CaseState, "context" | "credentials">,
  user: User,
): Promise<{ readonly token: string; readonly expiresAtMs: number }> {
  const { claims, expiresAtMs } = createShortLivedToken(context.clock);
  const token = await credentialOf(context, user, claims);
  credentials.set(token, { good: true, claims: new Map([...user.claims, ...Object.entries(claims)]), expiresAtMs });
  return { token, expiresAtMs };
}

/** Another one of the user. Its lists are kept, such as what it may do; what is made for each credential is made anew. */
function credentialOf(context: Context, { name, claims }: User, extra: Readonly<Record<string, unknown>>): Promise<string> {
  const kept = Object.fromEntries([...claims].filter(([claim, value]) => Array.isArray(value) || claim in extra));
  return context.credential({ name, claims: { ...kept, ...extra } });
}
