// A message that is sent many times with another id and content: cut at both once, so that sending it costs no stringify.
import type { Pointer } from "../../spec/contract.ts";
import { withValueAt } from "../client/messages.ts";

/** Characters that JSON writes as they are. */
const plain = /^[\w .-]*$/;

export interface Template {
  /**
   * @param id of any JSON type, as the message's schema wants it; undefined: the message has none
   * @throws Error where the content would need an escape in JSON
   */
  emit(id: unknown, content: string): string;
}

/** @param at where id and content stand; undefined: it has none */
export function createTemplate(
  message: unknown,
  at: { readonly id: Pointer | undefined; readonly content: Pointer | undefined },
): Template {
  const marks = { id: "\u0001id\u0001", content: "\u0001content\u0001" };
  let marked = message;
  if (at.id !== undefined) marked = withValueAt(marked, at.id, marks.id);
  if (at.content !== undefined) marked = withValueAt(marked, at.content, marks.content);
  const idText = JSON.stringify(marks.id);
  const contentText = JSON.stringify(marks.content).slice(1, -1);
  const parts = JSON.stringify(marked).split(new RegExp(`(${idText}|${contentText})`.replaceAll("\\", "\\\\")));
  return {
    emit(id, content) {
      if (!plain.test(content)) throw new Error(`our own text needs an escape: ${content}`);
      let text = "";
      for (const part of parts) text += part === idText ? JSON.stringify(id) : part === contentText ? content : part;
      return text;
    },
  };
}
