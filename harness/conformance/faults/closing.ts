// Connections that end with the wrong code, late, without a goodbye, or not at all.
import type { ErrorValue } from "../../../spec/contract.ts";
import { codeText, json, onClose, onControl, onMessage } from "./make.ts";

export const closingFaults = {
  /** @param from undefined: each code @param to undefined: a close frame without a code */
  changesCloseCode: (from: number | undefined, to: number | undefined) =>
    onClose(
      `changes-close-code/${from === undefined ? "any" : from}/${codeText(to)}`,
      `Closes with ${codeText(to)} in place of ${from ?? "any code"}.`,
      from,
      { do: "change", code: to },
    ),
  /** The connection stays open and silent. */
  neverCloses: (code: number) => onClose(`never-closes/${code}`, `Never closes with ${code}.`, code, { do: "drop" }),
  /** TCP ends without a close frame. */
  cutsInsteadOfClosing: (code: number) =>
    onClose(`cuts-instead-of-closing/${code}`, `TCP ends without the close frame of ${code}.`, code, { do: "cut" }),
  closesLate: (code: number, ms: number) =>
    onClose(`closes-late/${code}/${ms}`, `Closes with ${code} ${ms} ms late.`, code, { do: "hold", ms }),
  changesCloseReason: (code: number | undefined, reason: string) =>
    onClose(`changes-close-reason/${code ?? "any"}`, `Closes with the reason ${json(reason)}.`, code, { do: "reason", reason }),
  /** Closes in place of the error reply. */
  closesInstead: (errorCode: ErrorValue, code: number | undefined) =>
    onMessage(
      `closes-instead/${errorCode}/${codeText(code)}`,
      `Closes where the error ${errorCode} was due.`,
      { errorCode },
      { do: "close", code },
    ),
  /** Closes right after the error reply. */
  closesAfterError: (errorCode: ErrorValue, code: number | undefined) =>
    onMessage(
      `closes-after-error/${errorCode}/${codeText(code)}`,
      `Closes after the error ${errorCode}.`,
      { errorCode },
      { do: "close", code, after: true },
    ),
  /** The client's close frame is never answered. */
  ignoresClose: () => onControl("ignores-close", "Does not answer the client's close frame.", "client-close", { do: "drop" }),
};
