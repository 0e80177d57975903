// Edits of one field of a message. Pure: each gives a copy.
import { lookup, tokens } from "../../../spec/pointer.ts";
import { withValueAt } from "../../client/messages.ts";
import type { MessageAct } from "../../conformance/faults/plan.ts";

export type Edit = Extract<MessageAct, { do: "set" | "add" | "remove" | "retype" | "alter" }>;

export function isEdit(act: MessageAct): act is Edit {
  return ["set", "add", "remove", "retype", "alter"].includes(act.do);
}

/** The message after the edit; the same value where there is nothing to edit at the pointer. */
export function edited(value: unknown, act: Edit): unknown {
  if (act.do === "set") return withValueAt(value, act.pointer, act.value);
  const old = lookup(value, act.pointer);
  if (old === undefined) return value;
  if (act.do === "remove") return without(value, tokens(act.pointer));
  const replacement = act.do === "add" ? shifted(old, act.by) : act.do === "alter" ? other(old) : retyped(old);
  return withValueAt(value, act.pointer, replacement);
}

function without(value: unknown, path: readonly string[]): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return undefined;
  if (Array.isArray(value)) {
    return rest.length === 0
      ? value.filter((_, at) => String(at) !== first)
      : value.map((item, at) => (String(at) === first ? without(item, rest) : item));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) =>
      name !== first ? [[name, item]] : rest.length === 0 ? [] : [[name, without(item, rest)]],
    ),
  );
}

/** A number by so much; a timestamp by so many ms, in the same notation. */
function shifted(old: unknown, by: number): unknown {
  if (typeof old === "number") return old + by;
  const at = typeof old === "string" ? Date.parse(old) : Number.NaN;
  return Number.isNaN(at) ? old : new Date(at + by).toISOString();
}

/** Another value of the same JSON type, of the same length where it is a text. */
function other(old: unknown): unknown {
  if (typeof old === "number") return old + 1;
  if (typeof old === "boolean") return !old;
  if (typeof old === "string") return old.slice(0, -1) + (old.endsWith("x") ? "y" : "x");
  if (Array.isArray(old)) return old.length > 0 ? old.slice(0, -1) : [null];
  if (old === null) return "x";
  return { ...(old as object), altered: true };
}

function retyped(old: unknown): unknown {
  if (typeof old === "string") return old.length;
  if (Array.isArray(old)) return "list";
  if (typeof old === "object") return old === null ? 0 : [];
  return String(old);
}
