// The page's parts of one channel: how to connect, what one can do, how it ends, what it promises.
import {
  type Channel,
  type Contract,
  type ErrorValue,
  isWebSocketPing,
  type Operation,
  type Parameter,
} from "../../../spec/contract.ts";
import { httpSnippet, type Snippet, webSocketSnippets } from "../docs/connection-snippets.ts";
import { flowOf } from "../docs/operation-flow.ts";
import {
  afterClose,
  batchWords,
  browserWords,
  duration,
  effectWords,
  heartbeatAnswer,
  limitValue,
  operationNotes,
  orderWords,
  refusalWords,
  replyOrderWords,
  requirementWords,
} from "../docs/wording.ts";
import { consolePart } from "./console-part.ts";
import { lifecyclePart } from "./lifecycle-part.ts";
import { escapeHtml, inlineHtml, mono, snippetHtml, tableHtml } from "./markup.ts";
import { anchor, closeLink, errorLink, messageLink, type Part } from "./part.ts";
import { sequenceSvg } from "./sequence-svg.ts";

export function channelParts(contract: Contract, channel: Channel): (Part | undefined)[] {
  const id = (name: string) => anchor(name, channel.id);
  const own = contract.operations.filter((operation) => operation.channel === channel.id);
  if (channel.kind === "other") {
    const children = own.map((operation) => operationPart(contract, operation, ""));
    return [{ ...heading(contract, channel), children }];
  }
  if (channel.kind === "http") {
    return [
      {
        ...heading(contract, channel),
        children: own.map((operation) => operationPart(contract, operation, snippet(httpSnippet(contract, channel, operation)))),
      },
    ];
  }
  const start = [
    connect(contract, channel, id("connect")),
    consolePart(contract, channel),
    handshake(channel, id("handshake")),
    lifecyclePart(contract, channel, id("life")),
    state(contract, id("state")),
  ];
  const received = own.filter(({ action }) => action === "receive");
  const sent = own.filter(({ action }) => action === "send");
  return [
    { ...heading(contract, channel), children: start.filter((part) => part !== undefined) },
    operations(contract, id("operations"), "Client operations", received),
    operations(contract, id("by-itself"), "Server events", sent),
    closeCodes(contract, channel, id("close-codes")),
    promises(channel, id("limits")),
  ];
}

function heading({ servers }: Contract, channel: Channel): Part {
  const protocols = servers.filter(({ name }) => channel.servers.includes(name)).map(({ protocol }) => protocol);
  const kind = { http: "HTTP", websocket: "WebSocket", other: [...new Set(protocols)].join(", ") || "No WebSocket" }[
    channel.kind
  ];
  return {
    id: anchor("channel", channel.id),
    title: channel.title || channel.id,
    lead: channel.description,
    body: `<p class="address">${escapeHtml(kind)} ${mono(channel.address)}</p>${parametersHtml("parameter", channel.parameters)}`,
  };
}

function parametersHtml(head: string, parameters: readonly Parameter[]): string {
  const rows = parameters.map(({ name, values, value, description }) => ({
    cells: [
      mono(`{${name}}`),
      values.length > 0 ? values.map(mono).join(" ") : value === undefined ? "" : mono(value),
      inlineHtml(description),
    ],
  }));
  return tableHtml([head, "values", "meaning"], rows);
}

const snippet = ({ title, text }: Snippet) => snippetHtml(`<span>${title}</span>`, escapeHtml(text));

function connect(contract: Contract, channel: Channel, id: string): Part {
  const snippets = webSocketSnippets(contract, channel);
  const servers = contract.servers.filter(({ name }) => channel.servers.includes(name));
  const table = tableHtml(
    ["server", "URL", "meaning"],
    servers.map(({ name, url, description }) => ({ cells: [mono(name), mono(url), inlineHtml(description)] })),
  );
  const variables = parametersHtml(
    "variable",
    servers.flatMap((server) => server.variables),
  );
  const body = `${table}${variables}<div class="snippets">${snippets.map(snippet).join("\n")}</div>`;
  return { id, title: "Connect", body };
}

function handshake({ handshake: shake }: Channel, id: string): Part | undefined {
  if (shake === undefined) return undefined;
  const { credentials } = shake;
  const fields = [
    ...shake.query.map((field) => ({ ...field, place: "query" })),
    ...shake.headers.map((field) => ({ ...field, place: "header" })),
  ];
  const carriers = (credentials?.carriers ?? []).map((carrier) => {
    if (carrier.in === "header") return `<li>the header ${mono(`${carrier.name}: ${carrier.prefix}…`)}</li>`;
    if (carrier.in === "query") return `<li>the query ${mono(`?${carrier.name}=…`)}</li>`;
    return `<li>a subprotocol ${mono(`${carrier.prefix}…`)}${carrier.encoding === "base64url" ? ", in base64url" : ""}</li>`;
  });
  const body = [
    shake.first === undefined ? "" : `<p>The first message is always ${messageLink(shake.first)}.</p>`,
    shake.subprotocols.length === 0 ? "" : `<p>Subprotocol, best first: ${shake.subprotocols.map(mono).join(", ")}.</p>`,
    tableHtml(
      ["field", "in", "required", "value", "meaning"],
      fields.map(({ name, place, required, value, description }) => ({
        cells: [
          mono(name),
          place,
          required ? "required" : "optional",
          value === undefined ? "" : mono(value),
          inlineHtml(description),
        ],
      })),
    ),
    credentials === undefined
      ? ""
      : `<p>The credential is ${credentials.scheme === "jwt" ? `a JWT (${credentials.algorithms.map(mono).join(", ")})` : "opaque"}. The server looks for it in this order:</p><ol>${carriers.join("")}</ol>`,
    tableHtml(
      ["claim", "required", "meaning"],
      (credentials?.claims ?? []).map(({ name, required, value, description }) => ({
        cells: [
          mono(name),
          required ? '<span class="required">required</span>' : '<span class="optional">optional</span>',
          `${inlineHtml(description)}${value === undefined ? "" : ` Always ${mono(JSON.stringify(value))}.`}`,
        ],
      })),
    ),
    tableHtml(
      ["rejected when", "the client sees"],
      shake.refusals.map((refusal) => ({
        cells: [
          refusal.when === "claim"
            ? `The claim ${mono(refusal.claim ?? "")} contains ${mono(String(refusal.contains))}.`
            : inlineHtml(refusalWords[refusal.when]),
          "close" in refusal.outcome
            ? `accepted, then close ${closeLink(refusal.outcome.close)}`
            : `<span class="chip"><code>HTTP ${refusal.outcome.http}</code></span>${refusal.outcome.headers.length === 0 ? "" : ` with ${refusal.outcome.headers.map(mono).join(", ")}`}`,
        ],
      })),
    ),
    ...browserWords(shake).map((sentence) => `<p>${inlineHtml(sentence)}</p>`),
  ];
  return { id, title: "Handshake", body: body.join("\n") };
}

function state({ state: { attributes, relations } }: Contract, id: string): Part | undefined {
  if (attributes.length + relations.length === 0) return undefined;
  const table = tableHtml(
    ["attribute", "meaning", "in the first message"],
    attributes.map(({ name, description, at, unique }) => ({
      cells: [mono(name), `${inlineHtml(description)}${unique ? " Unique per connection." : ""}`, mono(at)],
    })),
  );
  const ends = relations.map(
    ({ name, columns, description, onDisconnect }) =>
      `<p>${mono(`${name}(${columns.join(", ")})`)} ${inlineHtml(description)}${onDisconnect.length === 0 ? "" : " When a connection closes, for each tuple:"}</p><ul>${onDisconnect.map((effect) => `<li>${inlineHtml(effectWords(effect))}</li>`).join("")}</ul>`,
  );
  return { id, title: "State of a connection", body: `${table}${ends.join("")}` };
}

function operations(contract: Contract, id: string, title: string, list: readonly Operation[]): Part | undefined {
  return list.length === 0
    ? undefined
    : { id, title, body: "", children: list.map((operation) => operationPart(contract, operation, "")) };
}

function operationPart(contract: Contract, operation: Operation, more: string): Part {
  const { id, summary, description, messages, requires, effects, reply, action } = operation;
  const plain = action === "send" && reply === undefined && effects.length === 0;
  const refusals = requires.map(
    (requirement) => `<li>${inlineHtml(requirementWords(requirement))} ${errorLink(requirement.else)}</li>`,
  );
  const results = effects.map((effect) => `<li>${inlineHtml(effectWords(effect))}</li>`);
  const words = [
    paragraphHtml(operationNotes(operation)),
    refusals.length === 0 ? "" : `<h4>Checks, in order (first failure wins)</h4><ol>${refusals.join("")}</ol>`,
    results.length === 0 ? "" : `<h4>Effects</h4><ul>${results.join("")}</ul>`,
  ].join("");
  return {
    id: anchor("operation", id),
    title: id,
    named: true,
    lead: [summary, description].filter((text) => text !== "").join("\n\n"),
    body: plain
      ? `<p class="chips">${messages.map(messageLink).join(" ")}</p>`
      : `<div class="pair flow${words === "" ? " alone" : ""}">${sequenceSvg(flowOf(contract, operation), `Sequence of ${id}`)}<div>${words}</div></div>${more}`,
  };
}

const paragraphHtml = (text: string) => (text === "" ? "" : `<p>${inlineHtml(text)}</p>`);

function closeCodes({ channels }: Contract, { closeCodes: codes, id: own }: Channel, id: string): Part | undefined {
  if (codes.length === 0) return undefined;
  // Links lead to the first channel that has the code.
  const isFirst = (code: number) => channels.find(({ closeCodes: list }) => list.some((each) => each.code === code))?.id === own;
  const entries = codes.map(({ code, name }) => ({
    id: isFirst(code) ? anchor("close", String(code)) : anchor("close", String(code), own),
    title: `${code} ${name}`,
  }));
  const rows = codes.map((entry, index) => ({
    id: entries[index]!.id,
    cells: [
      `<code class="number">${entry.code}</code> ${mono(entry.name)}`,
      inlineHtml(entry.when),
      escapeHtml(entry.by),
      `<span class="class ${entry.reconnect}">${entry.reconnect}</span> ${inlineHtml(afterClose(entry))}`,
    ],
  }));
  return {
    id,
    title: "Close codes",
    body: tableHtml(["close code", "when", "by", "the client should"], rows),
    entries,
  };
}

function promises(channel: Channel, id: string): Part | undefined {
  const { limits, rateLimits, heartbeat: beat, delivery } = channel;
  const beyond = ({ error, close }: { error?: ErrorValue | undefined; close?: number | undefined }) =>
    [error === undefined ? "" : errorLink(error), close === undefined ? "" : `close ${closeLink(close)}`].join(" ").trim();
  const entry = ({ name }: { name: string }) => ({ id: anchor("limit", channel.id, name), title: name });
  const children: Part[] = [];
  if (limits.length + rateLimits.length > 0)
    children.push({
      id: `${id}-numbers`,
      title: "Limits",
      entries: [...limits, ...rateLimits].map(entry),
      body: `${tableHtml(
        ["limit", "value", "when exceeded", "meaning"],
        limits.map((limit) => ({
          id: entry(limit).id,
          cells: [mono(limit.name), inlineHtml(limitValue(limit)), beyond(limit), inlineHtml(limit.description)],
        })),
      )}${tableHtml(
        ["rate limit", "burst, then", "scope", "when exceeded", "meaning"],
        rateLimits.map((rate) => ({
          id: entry(rate).id,
          cells: [
            mono(rate.name),
            `${rate.burst}, then ${rate.perSecond}/s`,
            mono(rate.scope),
            errorLink(rate.error),
            inlineHtml(rate.description),
          ],
        })),
      )}`,
    });
  if (beat !== undefined)
    children.push({
      id: `${id}-heartbeat`,
      title: "Heartbeat",
      body: `<p>The ${beat.by} sends ${isWebSocketPing(beat) ? "a WebSocket ping" : messageLink(beat.frame)} every ${duration(beat.intervalMs)}${beat.jitter > 0 ? `, less up to ${beat.jitter * 100} %` : ""}, and waits ${duration(beat.timeoutMs)} for ${heartbeatAnswer(beat, messageLink)}.${beat.close === undefined ? "" : ` Then it closes with ${closeLink(beat.close)}.`}</p>`,
    });
  const batches = batchWords(channel);
  if (batches !== "") children.push({ id: `${id}-batches`, title: "Batches", body: `<p>${inlineHtml(batches)}</p>` });
  if (delivery !== undefined)
    children.push({
      id: `${id}-order`,
      title: "Order and delivery",
      body: `${delivery.fence === undefined ? "" : `<p>The reply to ${mono(delivery.fence)} comes after the effects of everything that the connection sent before it.</p>`}${paragraphHtml(replyOrderWords(delivery))}${tableHtml(
        ["stream", "messages", "order", "delivered", "meaning"],
        delivery.streams.map((stream) => ({
          cells: [
            mono(stream.name),
            stream.messages.map(messageLink).join(" "),
            orderWords[stream.order],
            stream.guarantee === "exactly-once" ? "exactly once" : "best effort",
            inlineHtml(stream.description),
          ],
        })),
      )}`,
    });
  return children.length === 0 ? undefined : { id, title: "Limits and delivery", body: "", children };
}

export function errorsPart({ errors }: Contract): Part | undefined {
  if (errors === undefined || errors.codes.length === 0) return undefined;
  const entries = errors.codes.map(({ code }, index) => {
    // One code may stand for several causes.
    const earlier = errors.codes.slice(0, index).filter((other) => other.code === code).length;
    const name = [String(code), ...(earlier === 0 ? [] : [String(earlier + 1)])];
    return { id: anchor("error", ...name), title: String(code) };
  });
  const rows = errors.codes.map((error, index) => ({
    id: entries[index]!.id,
    cells: [
      mono(String(error.code)),
      inlineHtml(error.description),
      error.retryable ? '<span class="class back-off">retry</span>' : "no",
      [error.http === undefined ? "" : `HTTP ${error.http}`, error.close === undefined ? "" : `close ${closeLink(error.close)}`]
        .join(" ")
        .trim(),
    ],
  }));
  const message = errors.reply.message;
  return {
    id: "errors",
    title: "Errors",
    body: `${message === undefined ? "" : `<p>Sent as ${messageLink(message)}.</p>`}${tableHtml(["error", "meaning", "retry?", "also as"], rows)}`,
    entries,
  };
}
