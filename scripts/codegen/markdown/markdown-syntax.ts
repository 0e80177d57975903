// Text of a document as Markdown that cannot break out of its place.

/** Inline text: no markup of the document comes through, except code in backticks. One line. */
export function inline(text: string): string {
  return text
    .trim()
    .split(/(`[^`\n]*`)/)
    .map((part) => (/^`[^`\n]+`$/.test(part) ? code(part.slice(1, -1)) : plain(part)))
    .join("");
}

function plain(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[\\`*_[\]|#~!$]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A code span, whatever the text holds; safe in a table. */
export function code(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  if (/[|`\\]/.test(line) || line.trim() === "") {
    const html = line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return `<code>${html.replaceAll(/[|`\\*_[\]]/g, (character) => `&#${character.charCodeAt(0)};`)}</code>`;
  }
  return `\`${line}\``;
}

/** Paragraphs of running text. */
export function paragraphs(text: string): string {
  return text
    .split(/\n\s*\n/)
    .map(inline)
    .filter((paragraph) => paragraph !== "")
    .join("\n\n");
}

/** A fenced block; the fence is longer than any in the text. */
export function block(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** Cells are Markdown already. Empty without rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Text in a Mermaid diagram: what Mermaid or HTML reads as syntax, and its word `end`, become entities in Mermaid's own form. */
export function mermaidText(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[^A-Za-z0-9 ._,()/=+-]|\b[Ee](?=[Nn][Dd]\b)/gu, (character) => `#${character.codePointAt(0)};`);
}
