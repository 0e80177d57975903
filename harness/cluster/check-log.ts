// The checkers: history in, anomalies out. Each reports only what the evidence proves.
import { duplicated, lost, rejectedButDelivered, unexpected } from "./check-deliveries.ts";
import { epochChangeUnsignalled, inconsistentOffset, nonContiguous, realTimeOrder, senderOrder } from "./check-order.ts";
import { convergence, credentialClock, memberCount, membership } from "./check-settled.ts";
import type { Check, LogHistory, Verdict } from "./log-history.ts";

export const checkers: Readonly<Record<Check, (history: LogHistory) => Verdict>> = {
  unexpected,
  lost,
  duplicated,
  "inconsistent-offset": inconsistentOffset,
  "non-contiguous": nonContiguous,
  "sender-order": senderOrder,
  "real-time-order": realTimeOrder,
  "member-count": memberCount,
  membership,
  convergence,
  "rejected-but-delivered": rejectedButDelivered,
  "epoch-change-unsignalled": epochChangeUnsignalled,
  "credential-clock": credentialClock,
};
