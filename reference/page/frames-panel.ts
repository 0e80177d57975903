// The frames as they are, newest first.
import { find, make } from "./elements.ts";

const mostRows = 200;
const token = /("token":")[^"]+/g;

const list = find("frames");
const pause = find<HTMLInputElement>("pause");
find("clear").addEventListener("click", () => list.replaceChildren());

/** @param label what stands before the text, such as → for a frame of ours */
export function showFrame(label: string, className: "in" | "out", text: string): void {
  if (pause.checked) return;
  const at = new Date().toISOString().slice(11, 23);
  const row = make("li", { className }, make("b", { text: `${at} ${label} ` }));
  // Screens are shared and photographed: not even one's own token stands there.
  row.append(document.createTextNode(text.replace(token, "$1…").slice(0, 2_000)));
  list.prepend(row);
  while (list.children.length > mostRows) list.lastElementChild?.remove();
}
