// Replies that are missing, doubled, out of order, or say something else than what happened.
import type { ErrorValue, Pointer } from "../../../spec/contract.ts";
import { onMessage } from "./make.ts";
import type { Which } from "./plan.ts";

export const replyFaults = {
  swallowsReply: (operation: string, outcome?: "success" | "error") =>
    onMessage(
      `swallows-reply/${operation}${outcome === undefined ? "" : `/${outcome}`}`,
      `\`${operation}\` gets no reply.`,
      { answers: operation, ...(outcome === undefined ? {} : { outcome }) },
      { do: "drop" },
    ),
  repliesTwice: (operation: string) =>
    onMessage(`replies-twice/${operation}`, `\`${operation}\` gets its reply twice.`, { answers: operation }, { do: "repeat" }),
  /** Carries an id that was never sent. @param correlation where the reply carries it */
  wrongReplyId: (operation: string, correlation: Pointer) =>
    onMessage(
      `wrong-reply-id/${operation}`,
      `The reply to \`${operation}\` carries another id.`,
      { answers: operation },
      { do: "set", pointer: correlation, value: "never-sent" },
    ),
  /** @param correlation where the reply carries it */
  dropsReplyId: (operation: string, correlation: Pointer) =>
    onMessage(
      `drops-reply-id/${operation}`,
      `The reply to \`${operation}\` carries no id.`,
      { answers: operation },
      { do: "remove", pointer: correlation },
    ),
  /** The reply comes after the next message of the server. */
  repliesOutOfOrder: (operation: string) =>
    onMessage(
      `replies-out-of-order/${operation}`,
      `The reply to \`${operation}\` is overtaken.`,
      { answers: operation, everyNth: 2 },
      { do: "swap-with-next" },
    ),
  /** The success carries another field value of the same type. */
  altersReply: (operation: string, pointer: Pointer) =>
    onMessage(
      `alters-reply/${operation}${pointer}`,
      `The reply to \`${operation}\` has another value at ${pointer}.`,
      { answers: operation, outcome: "success" },
      { do: "alter", pointer },
    ),
  /** A success is turned into this error, though the request took effect. */
  answersWith: (operation: string, errorCode: ErrorValue) =>
    onMessage(
      `answers-with/${operation}/${errorCode}`,
      `\`${operation}\` is answered with ${errorCode} though it succeeded.`,
      { answers: operation, outcome: "success" },
      { do: "refuse", errorCode },
    ),
  /** Refused with this error, and nothing happens, though all requirements hold. */
  refuses: (operation: string, message: string, errorCode: ErrorValue, which: Which = {}) =>
    onMessage(
      `refuses/${operation}/${errorCode}`,
      `\`${operation}\` is refused with ${errorCode} without a reason.`,
      { message, ...which },
      { do: "refuse", errorCode },
    ),
  /** Where the contract wants this error, a success comes. */
  acceptsRefused: (operation: string, errorCode: ErrorValue) =>
    onMessage(
      `accepts-refused/${operation}/${errorCode}`,
      `\`${operation}\` succeeds where ${errorCode} was due.`,
      { answers: operation, errorCode },
      { do: "accept" },
    ),
  /** The operation succeeds in words and does nothing. */
  pretends: (operation: string, message: string, which: Which = {}) =>
    onMessage(
      `pretends/${operation}`,
      `\`${operation}\` is answered with success but does nothing.`,
      { message, ...which },
      { do: "accept" },
    ),
  /** @param codeAt where the error reply carries its code */
  changesErrorCode: (from: ErrorValue, to: ErrorValue, codeAt: Pointer) =>
    onMessage(
      `changes-error-code/${from}/${to}`,
      `${to} comes where ${from} was due.`,
      { errorCode: from },
      { do: "set", pointer: codeAt, value: to },
    ),
  /** Error replies with this code are altered at the pointer. */
  altersError: (errorCode: ErrorValue, pointer: Pointer) =>
    onMessage(
      `alters-error/${errorCode}${pointer}`,
      `The error ${errorCode} has another value at ${pointer}.`,
      { errorCode },
      { do: "alter", pointer },
    ),
  addsToError: (errorCode: ErrorValue, pointer: Pointer, by: number) =>
    onMessage(
      `adds-to-error/${errorCode}${pointer}/${by}`,
      `The error ${errorCode} is off by ${by} at ${pointer}.`,
      { errorCode },
      { do: "add", pointer, by },
    ),
  removesFromError: (errorCode: ErrorValue, pointer: Pointer) =>
    onMessage(
      `removes-from-error/${errorCode}${pointer}`,
      `The error ${errorCode} lacks ${pointer}.`,
      { errorCode },
      { do: "remove", pointer },
    ),
  swallowsError: (errorCode: ErrorValue) =>
    onMessage(`swallows-error/${errorCode}`, `The error ${errorCode} is never sent.`, { errorCode }, { do: "drop" }),
};
