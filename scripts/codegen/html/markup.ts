// Text of a document as HTML that cannot break out of its place, and the few elements that the page is made of.

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** For text and for values of attributes in quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}

/** A code span. */
export const mono = (text: string): string => `<code>${escapeHtml(text)}</code>`;

/** One line of running text: code in backticks, **strong** and links to https, http and mailto come through; all else is text. */
export function inlineHtml(text: string): string {
  return text
    .trim()
    .replaceAll(/\s+/g, " ")
    .split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\((?:https?:\/\/|mailto:)[^\s()<>"']+\))/)
    .map((part) => {
      if (/^`[^`]+`$/.test(part)) return mono(part.slice(1, -1));
      if (/^\*\*[^*]+\*\*$/.test(part)) return `<strong>${escapeHtml(part.slice(2, -2))}</strong>`;
      const link = /^\[([^\]]+)\]\(([^\s()<>"']+)\)$/.exec(part);
      if (link !== null) return `<a href="${escapeHtml(link[2]!)}" rel="noreferrer">${escapeHtml(link[1]!)}</a>`;
      return escapeHtml(part);
    })
    .join("");
}

/** What CommonMark gives most often: paragraphs, lists, fenced code. Nothing else of it is markup here. */
export function blocksHtml(text: string): string {
  const html: string[] = [];
  let lines: string[] = [];
  let kind = "p" as "p" | "ul" | "ol" | "pre";
  const close = () => {
    if (kind === "pre") html.push(`<pre tabindex="0"><code>${escapeHtml(lines.join("\n"))}</code></pre>`);
    else if (kind === "p" && lines.length > 0) html.push(`<p>${inlineHtml(lines.join(" "))}</p>`);
    else if (lines.length > 0) html.push(`<${kind}>${lines.map((line) => `<li>${inlineHtml(line)}</li>`).join("")}</${kind}>`);
    lines = [];
    kind = "p";
  };
  const open = (next: typeof kind) => {
    if (kind === next) return;
    close();
    kind = next;
  };
  for (const line of text.split("\n")) {
    const item = /^\s*(?:([-*+])|\d+[.)])\s+(.*)$/.exec(line);
    if (/^\s*```/.test(line)) {
      if (kind === "pre") close();
      else open("pre");
    } else if (kind === "pre") lines.push(line);
    else if (line.trim() === "") close();
    else if (item !== null) {
      open(item[1] === undefined ? "ol" : "ul");
      lines.push(item[2]!);
    } else if (kind === "p") lines.push(line.replace(/^#+ /, ""));
    else lines.push(`${lines.pop() ?? ""} ${line}`);
  }
  close();
  return html.join("\n");
}

/** A table in a box that scrolls by itself. Cells are HTML already; the first of a row is its head. Empty without rows. */
export function tableHtml(
  head: readonly string[],
  rows: readonly { readonly id?: string; readonly cells: readonly string[] }[],
): string {
  if (rows.length === 0) return "";
  const body = rows.map(({ id, cells: [first, ...rest] }) => {
    // The column's name stands in each cell as well: on a narrow screen a row becomes a card.
    const others = rest.map((cell, index) =>
      cell === "" ? '<td class="empty"></td>' : `<td data-label="${escapeHtml(head[index + 1] ?? "")}">${cell}</td>`,
    );
    return `<tr${id === undefined ? "" : ` id="${escapeHtml(id)}"`}><th scope="row">${first}</th>${others.join("")}</tr>`;
  });
  return `<div class="scroll" tabindex="0" role="group" aria-label="${escapeHtml(head[0] ?? "table")}"><table class="grid"><thead><tr>${head.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join("")}</tr></thead><tbody>
${body.join("\n")}
</tbody></table></div>`;
}

/** JSON with a span around each kind of token. */
export function jsonHtml(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2) ?? "undefined";
  const token = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/g;
  let html = "";
  let at = 0;
  for (const { 0: whole, 1: string, 2: colon, index } of text.matchAll(token)) {
    html += escapeHtml(text.slice(at, index));
    const kind = string === undefined ? "n" : colon === undefined ? "s" : "k";
    html += `<span class="${kind}">${escapeHtml(string ?? whole)}</span>${colon ?? ""}`;
    at = index + whole.length;
  }
  return html + escapeHtml(text.slice(at));
}

/** Text to copy. @param copy what the button copies where that is not the text shown */
export function snippetHtml(title: string, html: string, copy?: string): string {
  const data = copy === undefined ? "" : ` data-copy="${escapeHtml(copy)}"`;
  return `<figure class="snippet"${data}><figcaption>${title}</figcaption><pre tabindex="0"><code>${html}</code></pre></figure>`;
}
