// Messages that get lost, come twice, late, in another order, or say something else.
import type { Pointer } from "../../../spec/contract.ts";
import { codeText, json, onMessage } from "./make.ts";
import type { Which } from "./plan.ts";

export const messageFaults = {
  /** Never sent (or, of the client, never seen). */
  dropsMessage: (message: string, which: Which = {}) =>
    onMessage(`drops-message/${message}`, `\`${message}\` gets lost.`, { message, ...which }, { do: "drop" }),
  duplicatesMessage: (message: string, which: Which = {}) =>
    onMessage(`duplicates-message/${message}`, `\`${message}\` comes twice.`, { message, ...which }, { do: "repeat" }),
  /** Goes out after the next one of its name on that connection. */
  reordersMessages: (message: string, which: Which = {}) =>
    onMessage(
      `reorders-messages/${message}`,
      `\`${message}\` is overtaken by the next one.`,
      { message, ...which },
      { do: "swap-with-next", same: true },
    ),
  /** @param overtaken whether later messages of the connection do not wait for it, default true */
  delaysMessage: (message: string, ms: number, overtaken = true, which: Which = {}) =>
    onMessage(
      `delays-message/${message}/${ms}${overtaken ? "" : "/in-order"}`,
      `\`${message}\` comes ${ms} ms late.`,
      { message, ...which },
      { do: "hold", ms, overtaken },
    ),
  changesField: (message: string, pointer: Pointer, value: unknown, which: Which = {}) =>
    onMessage(
      `changes-field/${message}${pointer}=${json(value)}`,
      `\`${message}\` has ${json(value)} at ${pointer}.`,
      { message, ...which },
      { do: "set", pointer, value },
    ),
  /** A number, or a timestamp in ms, is off by this. */
  addsToField: (message: string, pointer: Pointer, by: number, which: Which = {}) =>
    onMessage(
      `adds-to-field/${message}${pointer}/${by}`,
      `\`${message}\` is off by ${by} at ${pointer}.`,
      { message, ...which },
      { do: "add", pointer, by },
    ),
  /** Another value of the same JSON type; still valid where the schema leaves room. */
  altersField: (message: string, pointer: Pointer, which: Which = {}) =>
    onMessage(
      `alters-field/${message}${pointer}`,
      `\`${message}\` has another value at ${pointer}.`,
      { message, ...which },
      { do: "alter", pointer },
    ),
  /** A value of another JSON type. */
  retypesField: (message: string, pointer: Pointer, which: Which = {}) =>
    onMessage(
      `retypes-field/${message}${pointer}`,
      `\`${message}\` has a value of the wrong type at ${pointer}.`,
      { message, ...which },
      { do: "retype", pointer },
    ),
  removesField: (message: string, pointer: Pointer, which: Which = {}) =>
    onMessage(
      `removes-field/${message}${pointer}`,
      `\`${message}\` lacks ${pointer}.`,
      { message, ...which },
      { do: "remove", pointer },
    ),
  addsField: (message: string, pointer: Pointer, value: unknown, which: Which = {}) =>
    onMessage(
      `adds-field/${message}${pointer}`,
      `\`${message}\` has ${pointer} more.`,
      { message, ...which },
      { do: "set", pointer, value },
    ),
  /** A member that no schema knows. */
  leaksField: (message: string, pointer: Pointer = "/leaked", value: unknown = "secret", which: Which = {}) =>
    onMessage(
      `leaks-field/${message}${pointer}`,
      `\`${message}\` tells more than its schema has.`,
      { message, ...which },
      { do: "set", pointer, value },
    ),
  sendsText: (message: string, text: string, which: Which = {}) =>
    onMessage(
      `sends-text/${message}/${json(text)}`,
      `In place of \`${message}\` comes ${json(text)}.`,
      { message, ...which },
      { do: "replace", text },
    ),
  sendsBinary: (message: string, which: Which = {}) =>
    onMessage(`sends-binary/${message}`, `\`${message}\` comes in a binary frame.`, { message, ...which }, { do: "binary" }),
  /** Closes the connection in place of the message. @param code undefined: TCP ends without a close frame */
  closesInsteadOf: (message: string, code: number | undefined, which: Which = {}) =>
    onMessage(
      `closes-instead-of/${message}/${codeText(code)}`,
      `In place of \`${message}\` the connection ends.`,
      { message, ...which },
      { do: "close", code },
    ),
  /** The connection ends right after the message. */
  closesAfter: (message: string, code: number | undefined, which: Which = {}) =>
    onMessage(
      `closes-after/${message}/${codeText(code)}`,
      `After \`${message}\` the connection ends.`,
      { message, ...which },
      { do: "close", code, after: true },
    ),
};
