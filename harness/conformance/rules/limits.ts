// The phase limits: x-limits, x-rate-limits and x-heartbeat. What waits, waits at the same time.
import type { Phase } from "../phase.ts";
import { httpRules } from "./http.ts";
import { boundRules } from "./limits/bounds.ts";
import { errorFlagRules } from "./limits/error-flags.ts";
import { rateOperationRules } from "./limits/rate-operations.ts";
import { rateRules } from "./limits/rates.ts";
import { strikeRules } from "./limits/strikes.ts";
import { timeRules } from "./limits/times.ts";

export const limitsPhase: Phase = {
  name: "limits",
  rules: [
    ...boundRules,
    ...rateRules,
    ...rateOperationRules,
    ...strikeRules,
    ...errorFlagRules,
    ...timeRules,
    ...httpRules("limits"),
  ],
};
