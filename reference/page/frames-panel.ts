// The list of raw frames, newest first, with a filter, and the form that sends a frame of one's own.
import type { requests } from "../../generated/protocol.gen.ts";
import { find, make } from "./elements.ts";

const mostRows = 200;
const token = /("token":\s*")[^"]+/g;

/** A payload to start from, for each message that the client can send. */
const templates: Readonly<Record<keyof typeof requests, unknown>> = {
  ping: "hello",
  join_room: { room: "lobby" },
  leave_room: { room: "lobby" },
  chat: { room: "lobby", content: "Hello" },
  direct: { to: "a clientId", content: "Hello" },
  broadcast: { content: "Hello" },
  typing: { room: "lobby", active: true },
  authenticate: { token: "a JWT" },
};

const list = find("frames");
const pause = find<HTMLInputElement>("pause");
const filter = find<HTMLInputElement>("filter");
find("clear").addEventListener("click", () => list.replaceChildren());
filter.addEventListener("input", () => {
  for (const row of list.children) applyFilter(row as HTMLElement);
});

function applyFilter(row: HTMLElement): void {
  row.hidden = !row.textContent.toLowerCase().includes(filter.value.trim().toLowerCase());
}

/** @param label printed before the text, such as → for a sent frame */
export function showFrame(label: string, className: "in" | "out", text: string): void {
  if (pause.checked) return;
  const at = new Date().toISOString().slice(11, 23);
  const head = make("b", { text: `${at} ${label} ` });
  // Tokens are masked, because screens are shared and photographed.
  const shown = text.replace(token, "$1…").slice(0, 2_000);
  const row = make("li", { className });
  const formatted = format(shown);
  if (formatted === undefined) row.append(head, shown);
  else {
    const summary = make("summary", {}, head);
    summary.append(shown);
    row.append(make("details", {}, summary, make("pre", { text: formatted })));
  }
  applyFilter(row);
  list.prepend(row);
  while (list.children.length > mostRows) list.lastElementChild?.remove();
}

function format(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return undefined;
  }
}

/** @param send throws an Error that says why the frame cannot be sent */
export function createFrameForm(send: (text: string) => void): void {
  const template = find<HTMLSelectElement>("template");
  const text = find<HTMLTextAreaElement>("own-frame");
  let count = 0;
  template.replaceChildren(...Object.keys(templates).map((type) => make("option", { text: type })));
  const fill = () => {
    const type = template.value as keyof typeof templates;
    text.value = JSON.stringify({ type, id: `own-${++count}`, payload: templates[type] });
  };
  template.addEventListener("change", fill);
  fill();
  find("send-frame").addEventListener("submit", (event) => {
    event.preventDefault();
    const problem = find("send-error");
    problem.textContent = "";
    try {
      send(text.value);
    } catch (error) {
      problem.textContent = (error as Error).message;
    }
  });
}
