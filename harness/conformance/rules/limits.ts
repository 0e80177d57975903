// The phase limits: x-limits, x-rate-limits and x-heartbeat. What waits, waits at the same time.
import type { Phase } from "../phase.ts";
import { httpRules } from "./http.ts";
import { boundRules } from "./limits/bounds.ts";
import { errorFlagRules } from "./limits/error-flags.ts";
import { errorLimitRules } from "./limits/error-limits.ts";
import { heartbeatRules } from "./limits/heartbeats.ts";
import { rateOperationRules } from "./limits/rate-operations.ts";
import { rateRules } from "./limits/rates.ts";
import { timeRules } from "./limits/times.ts";

export const limitsPhase: Phase = {
  name: "limits",
  rules: [
    ...boundRules,
    ...rateRules,
    ...rateOperationRules,
    ...errorLimitRules,
    ...errorFlagRules,
    ...heartbeatRules,
    ...timeRules,
    ...httpRules("limits"),
  ],
};
