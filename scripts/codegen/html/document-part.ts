// The page's last parts: the versions, out of a changelog, and the document itself, to read and to download.
import { blocksHtml, escapeHtml } from "./markup.ts";
import { anchor, type Part } from "./part.ts";

/** A file, as it was read. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

const mostVersions = 20;

/** One child for each heading of the second level, such as `## 1.2.0 (2026-11-28)`. */
export function versionsPart(changelog: string): Part | undefined {
  const children = changelog
    .split(/^##\s+(?!#)/m)
    .slice(1, mostVersions + 1)
    .map((section): Part => {
      const [title = "", ...lines] = section.split("\n");
      return { id: anchor("version", title.trim()), title: title.trim(), body: blocksHtml(lines.join("\n")) };
    });
  const known = new Set<string>();
  const distinct = children.filter(({ id }) => !known.has(id) && known.add(id));
  return distinct.length === 0 ? undefined : { id: "versions", title: "Versions", body: "", children: distinct };
}

export function documentPart({ name, text }: SourceFile): Part {
  const file = escapeHtml(name);
  return {
    id: "document",
    title: "Document",
    body: `<p>The AsyncAPI document that this page was generated from. <button type="button" id="download" data-name="${file}" hidden>Download</button></p>
<details class="source"><summary>${file}</summary><pre tabindex="0" id="source">
${escapeHtml(text)}</pre></details>`,
  };
}
