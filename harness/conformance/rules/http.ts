// Rules of what the document says of its HTTP side: each runs in the phase that it is of.
import type { Rule } from "../rule.ts";
import { httpAcceptedRules } from "./http/accepted.ts";
import { httpEffectRules } from "./http/effects.ts";
import { httpRateRules } from "./http/rates.ts";
import { httpRefusalRules } from "./http/refusals.ts";

const all: readonly Rule[] = [...httpAcceptedRules, ...httpEffectRules, ...httpRefusalRules, ...httpRateRules];

export function httpRules(name: Rule["phase"]): readonly Rule[] {
  return all.filter(({ phase }) => phase === name);
}
