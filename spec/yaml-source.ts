// The text of a document before the YAML parser reads it: nesting that it could not bear, and flow collections that end at the margin.

/** Levels of nesting that a document may have; beyond a thousand the YAML parser's own stack ends. */
export const maxNesting = 400;

/** The line (from 1) at which the text nests too deeply; undefined where it does not. Braces in texts count too, but they are closed there. */
export function deepLine(source: string): number | undefined {
  let flow = 0;
  let line = 0;
  const indents: number[] = [];
  for (const text of source.split("\n")) {
    line += 1;
    const [prefix = ""] = /^ *(?:[-?] +)*/.exec(text) ?? [];
    if (flow === 0 && text.trim() !== "") {
      while ((indents.at(-1) ?? -1) >= prefix.length) indents.pop();
      indents.push(prefix.length);
    }
    const dashes = prefix.replaceAll(" ", "").length;
    for (const character of text) {
      if (character === "{" || character === "[") flow += 1;
      else if ((character === "}" || character === "]") && flow > 0) flow -= 1;
      if (flow + dashes + indents.length > maxNesting) return line;
    }
  }
  return undefined;
}

/** The text with every line of a flow collection indented below the line that opens it. */
export interface Indented {
  readonly source: string;
  /** Line (from 1) -> how many spaces were put before it. */
  readonly added: ReadonlyMap<number, number>;
}

/** YAML 1.2 wants the lines of `{ ... }` indented, the closing brace too; other parsers do not, and exporters of JSON write them so. */
export function indentFlow(source: string): Indented {
  const added = new Map<number, number>();
  let depth = 0;
  let least = 0;
  let quote = "";
  const lines = source.split("\n").map((text, index) => {
    const indent = text.search(/\S|$/);
    const lacking = depth > 0 && quote === "" && text.trim() !== "" ? Math.max(0, least - indent) : 0;
    const opensAt = indent + 1;
    for (let at = 0; at < text.length; at++) {
      const character = text[at]!;
      if (quote !== "") {
        if (character === "\\" && quote === '"') at += 1;
        else if (character === quote) quote = "";
      } else if (depth > 0 && (character === '"' || character === "'")) {
        quote = character;
      } else if (character === "#" && /(^|\s)$/.test(text.slice(0, at))) {
        break;
      } else if (character === "{" || character === "[") {
        // Braces within a plain text do not open anything.
        if (depth === 0 && !/(^|[:\-?,]\s+|!\S*\s+)$/.test(text.slice(0, at)) && text.slice(0, at).trim() !== "") continue;
        if (depth === 0) least = opensAt;
        depth += 1;
      } else if ((character === "}" || character === "]") && depth > 0) {
        depth -= 1;
      }
    }
    if (lacking > 0) added.set(index + 1, lacking);
    return " ".repeat(lacking) + text;
  });
  return { source: lines.join("\n"), added };
}
