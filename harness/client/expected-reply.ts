// Whether what came is what was waited for.
import type { Operation } from "../../spec/contract.ts";
import { Violation } from "../schema/errors.ts";
import { describeReceived } from "./format.ts";
import type { Messages } from "./messages.ts";
import type { Received, Wanted } from "./received.ts";

/** Only a reply that the operation declares, or an error, counts as one. */
export function expectDeclared(operation: Operation | undefined, reply: Received, messages: Messages): void {
  const { name, wrong } = reply;
  if (operation?.reply === undefined) return;
  if (name !== undefined && (operation.reply.includes(name) || messages.isError(name))) return;
  const why = name === undefined ? `, which ${wrong.join("; ")}` : "";
  throw new Violation(`a reply of ${operation.id}: ${operation.reply.join(" or ")}`, `${describeReceived(reply)}${why}`);
}

export function matcher(wanted: Wanted): (received: Received) => boolean {
  if (typeof wanted === "function") return wanted;
  const names = typeof wanted === "string" ? [wanted] : wanted;
  return ({ name }) => name !== undefined && names.includes(name);
}
