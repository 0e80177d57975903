// The try-it console of a channel: a form that connects from the reader's browser. Its behaviour is in console-script.ts.
import type { Channel, Contract } from "../../../spec/contract.ts";
import { connectionOf, type Piece } from "../docs/connection-url.ts";
import { escapeHtml, mono } from "./markup.ts";
import { anchor, type Part } from "./part.ts";

/** `{room}` stays in the URL: the reader fills it in. */
const textOf = (pieces: readonly Piece[]) =>
  pieces.map((piece) => (typeof piece === "string" ? piece : `{${piece.value}}`)).join("");

export function consolePart(contract: Contract, channel: Channel): Part {
  const id = anchor("try", channel.id);
  const { url, subprotocols, pair, headers } = connectionOf(contract, channel, ["subprotocol", "query"]);
  const query = channel.handshake?.credentials?.carriers.find(({ in: place }) => place === "query");
  const parameter = pair === undefined && query?.in === "query" ? query.name : undefined;
  const base = parameter === undefined ? textOf(url) : textOf(url).replace(/[?&][^?&]*=\{token\}$/, "");
  const data = { url: base, query: parameter, prefix: pair?.prefix, encoding: pair?.encoding };
  const attributes = Object.entries(data).map(([name, value]) =>
    value === undefined ? "" : ` data-${name}="${escapeHtml(value)}"`,
  );
  const names = new Set(
    contract.operations
      .filter((each) => each.channel === channel.id && each.action === "receive")
      .flatMap(({ messages }) => messages),
  );
  const templates = contract.messages
    .filter(({ name }) => names.has(name))
    .flatMap(({ name, examples }) =>
      examples.map(({ payload, name: example }) => {
        const text = typeof payload === "string" ? payload : JSON.stringify(payload, undefined, 2);
        return `<option value="${escapeHtml(text)}">${escapeHtml(example === "" ? name : `${name}: ${example}`)}</option>`;
      }),
    );
  const field = (name: string, label: string, control: string) =>
    `<p><label for="${id}-${name}">${label}</label>${control.replace(" ", ` id="${id}-${name}" name="${name}" `)}</p>`;
  const token =
    pair === undefined && parameter === undefined
      ? ""
      : field("token", "Token (stays in this page)", '<input type="password" autocomplete="off">');
  const header =
    headers.length === 0
      ? ""
      : `<p class="soft">Required, but a browser cannot set it: ${headers.map(({ name }) => mono(name)).join(", ")}. Use a proxy.</p>`;
  const template =
    templates.length === 0
      ? ""
      : field("template", "Example", `<select ><option value="">Choose…</option>${templates.join("")}</select>`);
  return {
    id,
    title: "Try it",
    body: `<noscript><p class="soft">This part needs JavaScript.</p></noscript><form class="console" hidden${attributes.join("")}>
${header}${field("url", "URL", `<input type="text" required spellcheck="false" autocomplete="off" value="${escapeHtml(base)}">`)}
${token}${field("subprotocols", "Subprotocols", `<input type="text" spellcheck="false" autocomplete="off" value="${escapeHtml(subprotocols.join(", "))}">`)}
<p><button name="connect">Connect</button> <span class="status soft" role="status">Not connected.</span></p>
${template}${field("frame", "Frame", '<textarea rows="6" spellcheck="false"></textarea>')}
<p><button type="button" name="send" disabled>Send</button> <button type="button" name="clear">Clear</button></p>
<div class="log" role="log" tabindex="0" aria-label="Frames of this connection"></div>
</form>`,
  };
}
