// Rules on the expiry of a credential.
import { expiryRules } from "../../../model/check-expiry.ts";
import { faults } from "../../faults/fault.ts";
import type { Rule } from "../../rule.ts";
import { answered, at, graces, stateful, waitsForGrace } from "./clauses.ts";

export const credentialRules: readonly Rule[] = [
  stateful(
    expiryRules.closes,
    "closes with the declared code when the credential has expired, after the grace period and not before",
    graces,
    ({ close }) => [
      faults.neverCloses(close),
      faults.changesCloseCode(close, 1000),
      faults.server("expires-early"),
      faults.server("renewal-lifts-expiry"),
    ],
    { waitsMs: waitsForGrace },
  ),
  stateful(
    expiryRules.keeps,
    "keeps a connection that renews its credential in time",
    (p) =>
      graces(p).length === 0
        ? []
        : answered(p)
            .filter(({ effects }) => effects.some(({ kind }) => kind === "renew"))
            .map(at),
    ({ id, messages }) => [
      messages[0] === undefined ? undefined : faults.pretends(id, messages[0]),
      faults.server("renewal-ignored"),
    ],
    { waitsMs: waitsForGrace },
  ),
];
