// Credentials that must be refused: missing, malformed, forged, of the wrong time or with the wrong claims.

import type { Refusal } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import type { CredentialOptions } from "../../../client/credentials.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { expectRefusal, refusals } from "./refused.ts";

type When = "credential-missing" | "credential-invalid" | "credential-expired";
type Refused = Refusal & Clause;

/** One kind of bad JWT. */
interface Forgery {
  readonly id: string;
  readonly title: string;
  readonly when: When;
  readonly options: CredentialOptions | ((subject: ContractUnderTest) => CredentialOptions);
}

/** Algorithms that share a key, so that only the server's own list keeps the others out. */
function otherAlgorithm({ channel }: ContractUnderTest): CredentialOptions {
  const accepted = channel.handshake?.credentials?.algorithms ?? [];
  return { algorithm: ["HS512", "HS384", "HS256"].find((one) => !accepted.includes(one)) ?? "none" };
}

const forgeries: readonly Forgery[] = [
  {
    id: "handshake-credential-other-key-rejected",
    title: "rejects a JWT signed with another key",
    when: "credential-invalid",
    options: { forged: "other-key" },
  },
  {
    id: "handshake-credential-altered-rejected",
    title: "rejects a JWT whose claims were changed after signing",
    when: "credential-invalid",
    options: { forged: "altered" },
  },
  {
    id: "handshake-credential-cut-rejected",
    title: "rejects a JWT with a truncated signature",
    when: "credential-invalid",
    options: { forged: "cut" },
  },
  {
    id: "handshake-credential-unsigned-rejected",
    title: "rejects an unsigned JWT (alg: none)",
    when: "credential-invalid",
    options: { algorithm: "none" },
  },
  {
    id: "handshake-credential-algorithm-rejected",
    title: "rejects a JWT signed with the right key by an undeclared algorithm",
    when: "credential-invalid",
    options: otherAlgorithm,
  },
  {
    id: "handshake-credential-not-yet-rejected",
    title: "rejects a JWT that is not valid yet (nbf)",
    when: "credential-invalid",
    options: { notBeforeSeconds: 600 },
  },
  {
    id: "handshake-credential-expired-rejected",
    title: "rejects an expired JWT (exp)",
    when: "credential-expired",
    options: { lifetimeSeconds: -600 },
  },
];

function jwt(subject: ContractUnderTest, when: When): readonly Refused[] {
  return subject.channel.handshake?.credentials?.scheme === "jwt" ? refusals(subject, when) : [];
}

interface ClaimRefused extends Refused {
  readonly name: string;
}

function claims(subject: ContractUnderTest, wanted: "required" | "constant"): readonly ClaimRefused[] {
  const { handshake } = subject.channel;
  const all = handshake?.credentials?.claims ?? [];
  return jwt(subject, "credential-invalid").flatMap((refusal) =>
    all
      .filter((claim) => (wanted === "required" ? claim.required : claim.value !== undefined))
      .map(({ name, description }) => {
        const pointer = `${handshake?.pointer}/credentials/claims/${name}`;
        return { ...refusal, pointer, text: description, name };
      }),
  );
}

export const credentialRules: readonly Rule[] = [
  rule<Refused>({
    id: "handshake-credential-missing-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects a client without a credential, as declared",
    from: (subject) => refusals(subject, "credential-missing"),
    async check(context, refusal) {
      await expectRefusal(context, refusal, { credential: null });
    },
    brokenBy: () => faults.acceptsCredential("credential-missing"),
  }),
  rule<Refused>({
    id: "handshake-credential-malformed-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects a malformed credential, as declared",
    from: (subject) => refusals(subject, "credential-invalid"),
    async check(context, refusal) {
      for (const credential of ["x", "a.b.c", "eyJhbGciOiJub25lIn0..", "x".repeat(4_000)])
        await expectRefusal(context, refusal, { credential });
    },
    brokenBy: () => faults.acceptsCredential("credential-invalid"),
  }),
  ...forgeries.map(({ id, title, when, options }) =>
    rule<Refused>({
      id,
      level: "MUST",
      phase: "handshake",
      title,
      from: (subject) => jwt(subject, when),
      async check(context, refusal) {
        const credential = await context.credential(typeof options === "function" ? options(context) : options);
        await expectRefusal(context, refusal, { credential });
      },
      brokenBy: () => faults.acceptsCredential(when),
    }),
  ),
  rule({
    id: "handshake-credential-claim-missing-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects a JWT that lacks a required claim",
    from: (subject) => claims(subject, "required"),
    async check(context, { name, ...refusal }) {
      await expectRefusal(context, refusal, { credential: await context.credential({ claims: { [name]: undefined } }) });
    },
    brokenBy: () => faults.acceptsCredential("credential-invalid"),
  }),
  rule({
    id: "handshake-credential-claim-wrong-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects a JWT with the wrong value of a required claim",
    from: (subject) => claims(subject, "constant"),
    async check(context, { name, ...refusal }) {
      await expectRefusal(context, refusal, { credential: await context.credential({ claims: { [name]: "wsproof-wrong" } }) });
    },
    brokenBy: () => faults.acceptsCredential("credential-invalid"),
  }),
  rule<Refused>({
    id: "handshake-claim-rejected",
    level: "MUST",
    phase: "handshake",
    title: "rejects a valid token whose claim bars the user, as declared",
    from: (subject) => refusals(subject, "claim"),
    async check(context, refusal) {
      const credential = await context.credential({ claims: { [refusal.claim ?? ""]: [refusal.contains] } });
      await expectRefusal(context, refusal, { credential });
    },
    brokenBy: ({ claim }) => faults.acceptsHandshake("claim", claim),
  }),
];
