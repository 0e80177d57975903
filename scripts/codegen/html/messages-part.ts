// The page's messages: fields on the left, examples to copy on the right.
import type { Contract, Message } from "../../../spec/contract.ts";
import { type Field, fieldTree } from "../docs/schema-fields.ts";
import { messageGroups } from "../messages-of.ts";
import { escapeHtml, inlineHtml, jsonHtml, mono, snippetHtml } from "./markup.ts";
import { anchor, type Part } from "./part.ts";

/** Fields nested deeper than this are folded at first. */
const openLevels = 1;

export function messageParts(contract: Contract): Part[] {
  return messageGroups(contract).map(({ id, title, names }) => ({
    ...{ id, title, body: "" },
    children: contract.messages.filter(({ name }) => names.includes(name)).map((message) => messagePart(contract, message)),
  }));
}

function messagePart(contract: Contract, message: Message): Part {
  const tree = fieldTree(message.payload, contract.definitions);
  const notes = [
    message.format === "json" ? "" : `The frame holds ${message.format === "binary" ? "bytes" : "text"}, not JSON.`,
    message.httpStatus === undefined ? "" : `HTTP status ${message.httpStatus}.`,
  ].filter((note) => note !== "");
  const examples = message.examples.map(({ name, summary, payload }) =>
    snippetHtml(`<span>${inlineHtml(summary === "" ? name : summary)}</span>`, jsonHtml(payload), JSON.stringify(payload)),
  );
  const fields = tree.children.length === 0 ? fieldsHtml([tree], 0) : fieldsHtml(tree.children, 0);
  return {
    id: anchor("message", message.name),
    title: message.name,
    named: true,
    lead: [message.summary, message.description].filter((text) => text !== "").join("\n\n"),
    body: `${notes.map((note) => `<p class="soft">${note}</p>`).join("")}
<div class="pair${examples.length === 0 ? " alone" : ""}"><div>${fields}</div>${examples.length === 0 ? "" : `<div class="examples">${examples.join("\n")}</div>`}</div>`,
  };
}

function fieldsHtml(fields: readonly Field[], level: number): string {
  return `<ul class="fields">
${fields.map((field) => fieldHtml(field, level)).join("\n")}
</ul>`;
}

function fieldHtml(field: Field, level: number): string {
  const { name, option, type, values, required, bounds, description, children } = field;
  const title = option !== "" ? `<em>${escapeHtml(option)}</em>` : name === "" ? "<em>the message</em>" : mono(name);
  const need = option !== "" || name.startsWith("[") || name.startsWith("{") ? "" : required ? marks.required : marks.optional;
  const chips = values.length === 0 ? "" : `<p class="values">${values.map(mono).join(" ")}</p>`;
  const limits = bounds
    .map((bound) => (bound.startsWith("matches ") ? `matches ${mono(bound.slice(8))}` : escapeHtml(bound)))
    .join(", ");
  const inside =
    children.length === 0
      ? ""
      : `<details${level < openLevels ? " open" : ""}><summary>${children.length === 1 ? "1 field" : `${children.length} fields`}<span class="unseen"> in ${escapeHtml(name || option || "the message")}</span></summary>${fieldsHtml(children, level + 1)}</details>`;
  return `<li><p class="field">${title} <span class="type">${escapeHtml(type)}</span> ${need}</p>${description === "" ? "" : `<p>${inlineHtml(description)}</p>`}${chips}${limits === "" ? "" : `<p class="bounds">${limits}</p>`}${inside}</li>`;
}

const marks = {
  required: '<span class="required">required</span>',
  optional: '<span class="optional">optional</span>',
};
