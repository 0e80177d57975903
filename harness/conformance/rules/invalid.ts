// The phase invalid: what is no message of the protocol is refused as the document says, and nothing else comes of it.
import type { Phase } from "../phase.ts";
import { batchRejectionRules } from "./examples/batches.ts";
import { httpRules } from "./http.ts";
import { aftermathRules } from "./invalid/aftermath.ts";
import { errorReplyRules } from "./invalid/error-replies.ts";
import { hostileRules } from "./invalid/hostile.ts";
import { keywordRules } from "./invalid/keywords.ts";
import { momentRules } from "./invalid/moments.ts";

export const invalidPhase: Phase = {
  name: "invalid",
  rules: [
    ...keywordRules,
    ...hostileRules,
    ...errorReplyRules,
    ...aftermathRules,
    ...batchRejectionRules,
    ...momentRules,
    ...httpRules("invalid"),
  ],
};
