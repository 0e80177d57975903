// The phase examples: each message that the client can send, once as its example has it and once where it must succeed.
import type { Phase } from "../phase.ts";
import { batchRules, uncorrelatedRules } from "./examples/batches.ts";
import { deliveryRules } from "./examples/deliveries.ts";
import { replyRules } from "./examples/replies.ts";
import { requirementRules } from "./examples/requirements.ts";
import { httpRules } from "./http.ts";

export const examplesPhase: Phase = {
  name: "examples",
  rules: [...replyRules, ...requirementRules, ...batchRules, ...uncorrelatedRules, ...deliveryRules, ...httpRules("examples")],
};
