// The messages of one group: fields and examples.
import type { Contract, Message } from "../../../spec/contract.ts";
import { fieldTree, flatFields } from "../docs/schema-fields.ts";
import type { MessageGroup } from "../messages-of.ts";
import { block, code, inline, paragraphs, table } from "./markdown-syntax.ts";
import { anchor, section } from "./section.ts";

export function messagesSection(contract: Contract, { title, names }: MessageGroup): string {
  const listed = contract.messages.filter(({ name }) => names.includes(name));
  return section(`## ${title}`, ...listed.map((message) => messageSection(contract, message)));
}

function messageSection(contract: Contract, message: Message): string {
  const fields = flatFields(fieldTree(message.payload, contract.definitions));
  return section(
    `### ${code(message.name)}`,
    `<a id="message-${anchor(message.name)}"></a>${inline(message.summary)}`,
    paragraphs(message.description),
    message.format === "json" ? "" : `The frame holds ${message.format === "binary" ? "bytes" : "text"}, not JSON.`,
    message.httpStatus === undefined ? "" : `HTTP status ${message.httpStatus}.`,
    table(
      ["field", "type", "required", "bounds", "meaning"],
      fields.map(({ path, option, type, values, required, bounds, description }) => [
        `${path === "" ? "(the message)" : code(path)}${option === "" ? "" : ` (${inline(option)})`}`,
        values.length === 0 ? code(type) : values.map(code).join(" "),
        option === "" ? (required ? "yes" : "no") : "",
        bounds.map((bound) => (bound.startsWith("matches ") ? `matches ${code(bound.slice(8))}` : inline(bound))).join(", "),
        inline(description),
      ]),
    ),
    ...message.examples.flatMap(({ name, summary, payload }) => [
      `Example ${code(name)}${summary === "" ? ":" : `. ${inline(summary)}`}`,
      block("json", JSON.stringify(payload, undefined, 2)),
    ]),
  );
}
