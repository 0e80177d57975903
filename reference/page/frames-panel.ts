// The list of raw frames, newest first.
import { find, make } from "./elements.ts";

const mostRows = 200;
const token = /("token":")[^"]+/g;

const list = find("frames");
const pause = find<HTMLInputElement>("pause");
find("clear").addEventListener("click", () => list.replaceChildren());

/** @param label printed before the text, such as → for a sent frame */
export function showFrame(label: string, className: "in" | "out", text: string): void {
  if (pause.checked) return;
  const at = new Date().toISOString().slice(11, 23);
  const row = make("li", { className }, make("b", { text: `${at} ${label} ` }));
  // Tokens are masked, because screens are shared and photographed.
  row.append(document.createTextNode(text.replace(token, "$1…").slice(0, 2_000)));
  list.prepend(row);
  while (list.children.length > mostRows) list.lastElementChild?.remove();
}
