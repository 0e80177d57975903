// One escape function per output: nothing that came from the wire or a document may act in a terminal or become markup.

/** C0 but tab and newline, DEL, C1, line and paragraph separators, and the bidi controls. */
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** For a terminal: controls become visible, such as `\u001b`. Newlines and tabs stay. Text that is JSON stays the same JSON. */
export function escapeTerminal(text: string): string {
  return text.replaceAll(control, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The same, on one line. */
export function escapeLine(text: string): string {
  return escapeTerminal(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/** For Markdown: nothing of it becomes a link, HTML or emphasis. One line. */
export function escapeMarkdown(text: string): string {
  return escapeMarkup(escapeLine(text)).replaceAll(/[\\`*_{}[\]()#+\-.!|~]/g, "\\$&");
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** For HTML and XML alike. */
export function escapeMarkup(text: string): string {
  return escapeTerminal(text)
    .replaceAll(/[\ufffe\uffff]/g, "\ufffd")
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
}
