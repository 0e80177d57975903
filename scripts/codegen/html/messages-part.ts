// The page's messages: fields on the left, examples to copy on the right.
import type { Contract, Message } from "../../../spec/contract.ts";
import { type Field, fieldsOf } from "../docs/schema-fields.ts";
import { messagesOf } from "../messages-of.ts";
import { escapeHtml, inlineHtml, jsonHtml, mono, snippetHtml } from "./markup.ts";
import { anchor, type Part } from "./part.ts";

export function messageParts(contract: Contract): (Part | undefined)[] {
  const fromClient = messagesOf(contract, "client", "websocket");
  const fromServer = messagesOf(contract, "server", "websocket");
  const others = contract.messages.map(({ name }) => name).filter((name) => ![...fromClient, ...fromServer].includes(name));
  return [
    group(contract, "client-messages", "Messages of the client", fromClient),
    group(contract, "server-messages", "Messages of the server", fromServer),
    group(
      contract,
      "other-messages",
      others.some((name) => isHttp(contract, name)) ? "Bodies over HTTP" : "Other messages",
      others,
    ),
  ];
}

const isHttp = (contract: Contract, name: string) =>
  contract.channels.some(({ kind, messages }) => kind === "http" && messages.includes(name));

function group(contract: Contract, id: string, title: string, names: readonly string[]): Part | undefined {
  const children = contract.messages.filter(({ name }) => names.includes(name)).map((message) => messagePart(contract, message));
  return children.length === 0 ? undefined : { id, title, body: "", children };
}

function messagePart(contract: Contract, message: Message): Part {
  const fields = fieldsOf(message.payload, contract.definitions);
  const notes = [
    message.format === "json" ? "" : `The frame holds ${message.format}.`,
    message.httpStatus === undefined ? "" : `HTTP status ${message.httpStatus}.`,
  ].filter((note) => note !== "");
  const examples = message.examples.map(({ name, summary, payload }) =>
    snippetHtml(`<span>${inlineHtml(summary === "" ? name : summary)}</span>`, jsonHtml(payload), JSON.stringify(payload)),
  );
  return {
    id: anchor("message", message.name),
    title: message.name,
    named: true,
    words: [message.summary, ...fields.map(({ path }) => path)],
    lead: [message.summary, message.description].filter((text) => text !== "").join("\n\n"),
    body: `${notes.map((note) => `<p class="soft">${note}</p>`).join("")}
<div class="pair${examples.length === 0 ? " alone" : ""}"><div>${fieldsHtml(fields)}</div><div class="examples">${examples.join("\n")}</div></div>`,
  };
}

function fieldsHtml(fields: readonly Field[]): string {
  const rows = fields.map(({ path, type, values, required, bounds, description }) => {
    const dot = path.lastIndexOf(".") + 1;
    const name =
      path === ""
        ? "<em>the message</em>"
        : `<code><span class="soft">${escapeHtml(path.slice(0, dot))}</span>${escapeHtml(path.slice(dot))}</code>`;
    const chips = values.length === 0 ? "" : `<p class="values">${values.map(mono).join(" ")}</p>`;
    const limits = bounds
      .map((bound) => (bound.startsWith("matches ") ? `matches ${mono(bound.slice(8))}` : escapeHtml(bound)))
      .join(", ");
    return `<tr><th scope="row">${name}<span class="type">${escapeHtml(type)}</span></th><td>${required ? '<span class="required">required</span>' : '<span class="optional">optional</span>'}${description === "" ? "" : ` ${inlineHtml(description)}`}${chips}${limits === "" ? "" : `<p class="bounds">${limits}</p>`}</td></tr>`;
  });
  return `<table class="fields"><thead class="unseen"><tr><th scope="col">Field</th><th scope="col">Meaning</th></tr></thead><tbody>
${rows.join("\n")}
</tbody></table>`;
}
