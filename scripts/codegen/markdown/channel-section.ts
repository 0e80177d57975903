// One channel: how to connect, its handshake, lifecycle, state, limits and what it promises.
import { type Channel, type Contract, isWebSocketPing, type Parameter } from "../../../spec/contract.ts";
import { httpSnippet, webSocketSnippets } from "../docs/connection-snippets.ts";
import {
  afterClose,
  batchWords,
  beyond,
  browserWords,
  duration,
  effectWords,
  heartbeatAnswer,
  limitValue,
  orderWords,
  refusalOutcome,
  refusalWords,
  replyOrderWords,
} from "../docs/wording.ts";
import { block, code, inline, mermaidText, paragraphs, table } from "./markdown-syntax.ts";
import { operationSection, operations } from "./operation-section.ts";
import { joined, link, section } from "./section.ts";

export function webSocketChannel(contract: Contract, channel: Channel): string {
  return joined([
    section(`## Channel ${code(channel.address)}`, inline(channel.title) || code(channel.id), paragraphs(channel.description)),
    parameters(channel),
    section("### Connect", servers(contract, channel), connect(contract, channel)),
    handshake(channel),
    section("### Lifecycle", block("mermaid", lifecycle(contract, channel))),
    state(contract),
    operations(contract, channel),
    closeCodes(channel),
    limits(channel),
    heartbeat(channel),
    section("### Batches", inline(batchWords(channel))),
    delivery(channel),
  ]);
}

function parameters({ parameters: list }: Channel): string {
  return table(["parameter", "values", "meaning"], list.map(parameterCells));
}

const parameterCells = ({ name, values, value, description }: Parameter): string[] => [
  code(`{${name}}`),
  values.length > 0 ? values.map(code).join(" ") : value === undefined ? "" : code(value),
  inline(description),
];

/** Where the channel is, with what its URLs may hold. */
function servers(contract: Contract, channel: Channel): string {
  const list = contract.servers.filter(({ name }) => channel.servers.includes(name));
  return joined([
    table(
      ["server", "URL", "meaning"],
      list.map(({ name, url, description }) => [code(name), code(url), inline(description)]),
    ),
    table(
      ["variable", "values", "meaning"],
      list.flatMap(({ variables }) => variables.map(parameterCells)),
    ),
  ]);
}

/** A channel of a protocol that has no connection to describe, such as Kafka. */
export function otherChannel(contract: Contract, channel: Channel): string {
  const protocols = [
    ...new Set(contract.servers.filter(({ name }) => channel.servers.includes(name)).map(({ protocol }) => protocol)),
  ];
  return joined([
    section(
      `## Channel ${code(channel.address)}`,
      protocols.length === 0 ? "" : `Over ${protocols.map(code).join(" or ")}, not WebSocket.`,
      inline(channel.title),
      paragraphs(channel.description),
    ),
    operations(contract, channel),
  ]);
}

function connect(contract: Contract, channel: Channel): string {
  return webSocketSnippets(contract, channel)
    .map(({ title, language, text }) => `${title}:\n\n${block(language, text)}`)
    .join("\n\n");
}

function handshake({ handshake: shake }: Channel): string {
  if (shake === undefined) return "";
  const { credentials, query, headers } = shake;
  const fields = [
    ...query.map((field) => ({ ...field, place: "query" })),
    ...headers.map((field) => ({ ...field, place: "header" })),
  ];
  const carriers = (credentials?.carriers ?? []).map((carrier, index) => [
    String(index + 1),
    carrier.in,
    carrier.in === "header"
      ? code(`${carrier.name}: ${carrier.prefix}<credential>`)
      : carrier.in === "query"
        ? code(`?${carrier.name}=<credential>`)
        : code(`${carrier.prefix}<credential${carrier.encoding === "base64url" ? " in base64url" : ""}>`),
  ]);
  const claims = (credentials?.claims ?? []).map(({ name, required, value, description }) => [
    code(name),
    required ? "yes" : "no",
    value === undefined ? "" : code(JSON.stringify(value)),
    inline(description),
  ]);
  return section(
    "### Handshake",
    shake.first === undefined ? "" : `The first message is always ${link(shake.first)}.`,
    shake.subprotocols.length > 0 ? `Subprotocols, best first: ${shake.subprotocols.map(code).join(", ")}.` : "",
    table(
      ["field", "in", "required", "value", "meaning"],
      fields.map(({ name, place, required, value, description }) => [
        code(name),
        place,
        required ? "yes" : "no",
        value === undefined ? "" : code(value),
        inline(description),
      ]),
    ),
    credentials === undefined
      ? ""
      : `The credential is ${credentials.scheme === "jwt" ? `a JWT (${credentials.algorithms.map(code).join(", ")})` : "opaque"}. The server looks for it in this order:`,
    table(["", "in", "as"], carriers),
    table(["claim", "required", "value", "meaning"], claims),
    section(
      "#### Rejections",
      table(
        ["rejected when", "the client sees"],
        shake.refusals.map((refusal) => [
          refusal.when === "claim"
            ? `The claim ${code(refusal.claim ?? "")} contains ${code(String(refusal.contains))}.`
            : inline(refusalWords[refusal.when]),
          refusalOutcome(refusal),
        ]),
      ),
      ...browserWords(shake).map(inline),
    ),
  );
}

function lifecycle(
  contract: Contract,
  { handshake: shake, closeCodes: codes, heartbeat: beat, limits: bounds }: Channel,
): string {
  const lines = ["stateDiagram-v2", "  [*] --> Handshake"];
  const httpRefusals = [...new Set((shake?.refusals ?? []).flatMap(({ outcome }) => ("http" in outcome ? [outcome.http] : [])))];
  if (httpRefusals.length > 0) lines.push(`  Handshake --> [*] : HTTP ${httpRefusals.join(", ")}`);
  const closes = [...new Set((shake?.refusals ?? []).flatMap(({ outcome }) => ("close" in outcome ? [outcome.close] : [])))];
  if (closes.length > 0) lines.push(`  Handshake --> Closed : ${closes.join(", ")}`);
  lines.push(`  Handshake --> Open${shake?.first === undefined ? "" : ` : ${mermaidText(shake.first)}`}`);
  for (const { name } of contract.state.relations) lines.push(`  Open --> Open : becomes or stops being ${mermaidText(name)}`);
  if (beat?.close !== undefined) lines.push(`  Open --> Closed : no answer to the heartbeat, ${beat.close}`);
  const grace = bounds.find(({ kind }) => kind === "credential-grace");
  if (grace?.close !== undefined) lines.push(`  Open --> Closed : credential expired, ${grace.close}`);
  const others = codes.filter(
    ({ code: number }) => !closes.includes(number) && number !== beat?.close && number !== grace?.close,
  );
  if (others.length > 0) lines.push(`  Open --> Closed : ${others.map(({ code: number }) => number).join(", ")}`);
  const again = codes.filter(({ reconnect }) => reconnect !== "stop");
  if (again.length > 0) lines.push("  Closed --> Handshake : if the close code allows it");
  lines.push("  Closed --> [*]");
  return lines.join("\n");
}

function state({ state: { attributes, relations } }: Contract): string {
  return section(
    "### State",
    table(
      ["attribute", "in the first message", "from the claim", "meaning"],
      attributes.map(({ name, at, claim, unique, description }) => [
        code(name),
        code(at),
        claim === undefined ? "" : code(claim),
        `${inline(description)}${unique ? " Unique per connection." : ""}`,
      ]),
    ),
    ...relations.map(({ name, columns, description, onDisconnect }) =>
      [
        `${code(`${name}(${columns.join(", ")})`)}: ${inline(description)}`,
        onDisconnect.length === 0 ? "" : "When a connection closes, for each tuple:",
        onDisconnect.map((effect) => `- ${inline(effectWords(effect))}`).join("\n"),
      ]
        .filter((part) => part !== "")
        .join("\n\n"),
    ),
  );
}

function closeCodes({ closeCodes: codes }: Channel): string {
  return section(
    "### Close codes",
    table(
      ["code", "name", "sent by", "when", "the client should"],
      codes.map((entry) => [String(entry.code), code(entry.name), entry.by, inline(entry.when), inline(afterClose(entry))]),
    ),
  );
}

function limits({ limits: bounds, rateLimits }: Channel): string {
  const advertised = (pointer: string | undefined) => (pointer === undefined ? "" : code(pointer));
  return section(
    "### Limits",
    table(
      ["limit", "value", "when exceeded", "advertised at", "meaning"],
      bounds.map((limit) => [
        code(limit.name),
        inline(limitValue(limit)),
        inline(beyond(limit)),
        advertised(limit.advertised),
        inline(limit.description),
      ]),
    ),
    table(
      ["rate limit", "burst", "per second", "scope", "when exceeded", "advertised at", "meaning"],
      rateLimits.map((rate) => [
        code(rate.name),
        String(rate.burst),
        String(rate.perSecond),
        code(rate.scope),
        code(String(rate.error)),
        advertised(rate.advertised.burst),
        inline(rate.description),
      ]),
    ),
  );
}

function heartbeat({ heartbeat: beat }: Channel): string {
  if (beat === undefined) return "";
  const how = isWebSocketPing(beat) ? "a WebSocket ping" : link(beat.frame);
  return section(
    "### Heartbeat",
    `The ${beat.by} sends ${how} every ${duration(beat.intervalMs)}${beat.jitter > 0 ? `, less up to ${beat.jitter * 100} %` : ""}, and waits ${duration(beat.timeoutMs)} for ${heartbeatAnswer(beat, link)}.${beat.close === undefined ? "" : ` Then it closes with ${beat.close}.`}`,
  );
}

function delivery({ delivery: promise }: Channel): string {
  if (promise === undefined) return "";
  return section(
    "### Order and delivery",
    promise.fence === undefined
      ? ""
      : `The reply to ${code(promise.fence)} comes after the effects of everything that the connection sent before it.`,
    replyOrderWords(promise),
    table(
      ["stream", "messages", "order", "delivered", "position", "meaning"],
      promise.streams.map((stream) => [
        code(stream.name),
        stream.messages.map(link).join(", "),
        orderWords[stream.order],
        stream.guarantee === "exactly-once" ? "exactly once" : "best effort",
        [stream.key, stream.epoch, stream.seq].flatMap((pointer) => (pointer === undefined ? [] : [code(pointer)])).join(", "),
        inline(stream.description),
      ]),
    ),
  );
}

export function httpChannel(contract: Contract, channel: Channel): string {
  const own = contract.operations.filter((operation) => operation.channel === channel.id);
  return section(
    `## HTTP ${code(channel.address)}`,
    inline(channel.title),
    paragraphs(channel.description),
    parameters(channel),
    ...own.flatMap((operation) => [
      operationSection(contract, operation),
      block("sh", httpSnippet(contract, channel, operation).text),
    ]),
  );
}
