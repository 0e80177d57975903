// A part of the page: what stands in the text and in the navigation alike.
import type { ErrorValue } from "../../../spec/contract.ts";
import { blocksHtml, escapeHtml } from "./markup.ts";

export interface Part {
  /** Safe as it is in an attribute: made by `anchor`. */
  readonly id: string;
  readonly title: string;
  /** A title that is a name of the protocol, such as a message's. */
  readonly named?: boolean;
  readonly lead?: string;
  /** HTML. */
  readonly body: string;
  readonly children?: readonly Part[];
  /** Places within the body that a search finds, and that the navigation does not list. */
  readonly entries?: readonly { readonly id: string; readonly title: string }[];
}

export function anchor(...names: readonly string[]): string {
  return names
    .map((name) => name.replaceAll(/[^A-Za-z0-9_-]/g, (character) => `.${character.codePointAt(0)!.toString(16)}`))
    .join("-");
}

/** @param level of the heading, 2 for the outermost */
export function partHtml(part: Part, level: number): string {
  const title = part.named ? `<code>${escapeHtml(part.title)}</code>` : escapeHtml(part.title);
  return `<section id="${part.id}" class="part level-${level}">
<h${level} id="${part.id}-title"><a class="self" href="#${part.id}">${title}</a></h${level}>
${part.lead === undefined ? "" : `<div class="lead">${blocksHtml(part.lead)}</div>`}
${part.body}
${(part.children ?? []).map((child) => partHtml(child, level + 1)).join("\n")}
</section>`;
}

export const messageLink = (name: string) => `<a href="#${anchor("message", name)}"><code>${escapeHtml(name)}</code></a>`;
export const errorLink = (code: ErrorValue) =>
  `<a class="chip refused" href="#${anchor("error", String(code))}"><code>${escapeHtml(String(code))}</code></a>`;
export const closeLink = (code: number) => `<a class="chip" href="#${anchor("close", String(code))}"><code>${code}</code></a>`;
