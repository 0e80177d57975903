// Errors that name no request: without an id, or with one that stands in for it where the document lets no error go without.
import type { Message, Pointer } from "../../spec/contract.ts";
import { lookup, tokens } from "../../spec/pointer.ts";
import { isSameId } from "./match-replies.ts";
import type { Evaluation } from "./outcomes.ts";
import type { Connection } from "./trace.ts";

/** Null is no id: JSON-RPC says so where no id could be read. An error that must have one, as in OCPP-J, has one that no request had. */
export function namesNoRequest({ knowledge }: Evaluation, connection: Connection, message: Message, frame: unknown): boolean {
  const { correlation, name } = message;
  const id = correlation === undefined ? undefined : (lookup(frame, correlation) ?? undefined);
  if (correlation === undefined || id === undefined) return true;
  const accepts = knowledge.accepts;
  if (accepts === undefined || connection.invocations.some((one) => isSameId(one.id, id))) return false;
  return !withoutId(frame, correlation).some((other) => accepts(name, other));
}

/** Whether the message can be valid without an id. @param accepts whether a frame is this message */
export function mayLackId(frame: unknown, correlation: Pointer, accepts: (frame: unknown) => boolean): boolean {
  return withoutId(frame, correlation).some(accepts);
}

/** The frame with null as its id, and where it is a member, without it. */
function withoutId(frame: unknown, correlation: Pointer): unknown[] {
  const edit = (value: unknown, path: readonly string[], keeps: boolean): unknown => {
    const [token, ...rest] = path;
    if (token === undefined) return null;
    if (Array.isArray(value)) return value.map((item, at) => (String(at) === token ? edit(item, rest, keeps) : item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, member]) => {
        if (name !== token) return [[name, member]];
        return rest.length === 0 && !keeps ? [] : [[name, edit(member, rest, keeps)]];
      }),
    );
  };
  const path = tokens(correlation);
  return [edit(frame, path, true), edit(frame, path, false)];
}
