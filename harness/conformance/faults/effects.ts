// What others get of an operation: too much, too little, or at the wrong time.
import type { ErrorValue } from "../../../spec/contract.ts";
import { fault, onMessage } from "./make.ts";

export const effectFaults = {
  /** Also goes to the oldest connection that never had to do with the stream's key (or, without a key, to any other). */
  deliversToStranger: (message: string) =>
    onMessage(
      `delivers-to-stranger/${message}`,
      `\`${message}\` also goes to a connection that it is not for.`,
      { message },
      { do: "copy-to", whom: "stranger" },
    ),
  /** Also goes to the connection whose unique attribute it carries. */
  deliversToSender: (message: string) =>
    onMessage(
      `delivers-to-sender/${message}`,
      `\`${message}\` also goes to the one who caused it.`,
      { message },
      { do: "copy-to", whom: "sender" },
    ),
  /** Does not go to the connection whose unique attribute it carries. */
  skipsSender: (message: string) =>
    onMessage(
      `skips-sender/${message}`,
      `\`${message}\` does not go to the one who caused it.`,
      { message },
      { do: "hide-from-sender" },
    ),
  /** Also goes to those for whom `operation` (that takes them out) succeeded for the same key. */
  keepsDelivering: (operation: string, message: string) =>
    onMessage(
      `keeps-delivering/${operation}/${message}`,
      `\`${message}\` still comes after \`${operation}\`.`,
      { message },
      { do: "copy-to", whom: "former", operation },
    ),
  /** What the operation delivers is delivered though it was refused. */
  deliversRefused: (operation: string, errorCode: ErrorValue) =>
    onMessage(
      `delivers-refused/${operation}/${errorCode}`,
      `\`${operation}\` is refused with ${errorCode} and delivered all the same.`,
      { answers: operation, errorCode },
      { do: "deliver", operation },
    ),
  /** A repetition that changes nothing is announced again. */
  announcesUnchanged: (operation: string) =>
    onMessage(
      `announces-unchanged/${operation}`,
      `\`${operation}\` announces what did not change.`,
      { answers: operation, outcome: "success" },
      { do: "deliver", operation, onlyRepeated: true },
    ),
  /** A client that goes is kept on: the server does not see it end. */
  keepsHalfOpen: () => fault("keeps-half-open", "A connection that ended is kept on as if it were open.", { on: "end" }),
  /** Of what a replay sends again, the first is missing. */
  replaysWithGap: (operation: string) =>
    fault(`replays-with-gap/${operation}`, `What \`${operation}\` replays lacks its first message.`, {
      on: "replay",
      operation,
      act: "drop-first",
    }),
  /** The replay is sent twice. */
  replaysTwice: (operation: string) =>
    fault(`replays-twice/${operation}`, `What \`${operation}\` replays begins with a message that comes twice.`, {
      on: "replay",
      operation,
      act: "repeat-first",
    }),
};
