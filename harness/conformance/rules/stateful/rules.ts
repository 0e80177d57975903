// All rules on generated cases.
import type { Rule } from "../../rule.ts";
import { credentialRules } from "./credentials.ts";
import { deliveryRules } from "./deliveries.ts";
import { orderRules } from "./order.ts";
import { replyRules } from "./replies.ts";

export const statefulRules: readonly Rule[] = [...replyRules, ...deliveryRules, ...credentialRules, ...orderRules];
