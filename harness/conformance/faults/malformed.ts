// What the contract refuses, taken as good, ignored, or answered by closing.

import { codeText, onMessage } from "./make.ts";
import type { Match, Which } from "./plan.ts";

export const malformedFaults = {
  /** Takes them as if they were good. */
  acceptsInvalid: (malformed: NonNullable<Match["malformed"]> = "any", message?: string, which: Which = {}) =>
    onMessage(
      `accepts-invalid/${malformed}${message === undefined ? "" : `/${message}`}`,
      "A malformed frame is taken as a good one.",
      { malformed, ...(message === undefined ? {} : { message }), ...which },
      { do: "repair" },
    ),
  /** Neither error nor effect. */
  ignoresInvalid: (malformed: NonNullable<Match["malformed"]> = "any") =>
    onMessage(`ignores-invalid/${malformed}`, "A malformed frame is ignored.", { malformed }, { do: "drop" }),
  /** Closes the connection at the first malformed frame. */
  closesOnInvalid: (code: number | undefined, malformed: NonNullable<Match["malformed"]> = "any") =>
    onMessage(
      `closes-on-invalid/${malformed}/${codeText(code)}`,
      "A malformed frame ends the connection.",
      { malformed },
      { do: "close", code },
    ),
  /** The client's message is never seen. */
  ignoresFrame: (message: string, which: Which = {}) =>
    onMessage(`ignores-frame/${message}`, `\`${message}\` is ignored.`, { message, ...which }, { do: "drop" }),
};
