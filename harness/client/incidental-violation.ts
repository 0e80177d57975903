// Incidental violations: what breaks a standard or a schema whatever the check is about, and the rules under which they are filed.
import type { DocumentPointer } from "../../spec/contract.ts";
import type { History } from "../model/history.ts";

export interface IncidentalViolation {
  readonly kind: "message" | "frame" | "stray";
  /** Of the message, the clause, or the effect. */
  readonly pointer: DocumentPointer;
  readonly expected: string;
  readonly actual: string;
  readonly connection: number;
  /** Those of the connection that show it, once the check is over. */
  readonly frames?: History;
}

/** Whichever check meets one. */
export const incidentalRules: Readonly<Record<IncidentalViolation["kind"], string>> = {
  message: "server-message-valid",
  frame: "server-frame-legal",
  stray: "examples-delivery-stranger",
};
