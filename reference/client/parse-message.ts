// A frame of the server -> a message of the protocol, or why it is none.
import type { ServerMessage } from "../../generated/types.gen.ts";
import isServerMessage from "../../generated/validators/server-messages.gen.js";

/** @param data as the socket delivers it: a string for a text frame @returns a string says what is wrong */
export function parseMessage(data: unknown): ServerMessage | string {
  if (typeof data !== "string") return "a binary frame";
  try {
    const value: unknown = JSON.parse(data);
    return isServerMessage(value) ? value : "not a message of the protocol";
  } catch {
    return "not JSON";
  }
}
