// The phase boundaries: what is at a bound is accepted, what is one beyond is refused. Bounds come from the schemas alone.
import type { Phase } from "../phase.ts";
import { acceptedRules } from "./boundaries/accepted.ts";
import { refusedRules } from "./boundaries/refused.ts";
import { unchangedRules } from "./boundaries/unchanged.ts";
import { httpRules } from "./http.ts";

export const boundariesPhase: Phase = {
  name: "boundaries",
  rules: [...acceptedRules, ...refusedRules, ...unchangedRules, ...httpRules("boundaries")],
};
