// Contract -> protocol.gen.ts: the numbers, names and codes of the protocol as constants, so that no program repeats them by hand.
import type { Contract, Requirement } from "../../spec/contract.ts";
import { banner } from "./banner.ts";
import { messagesOf } from "./messages-of.ts";

const literal = (value: unknown) => JSON.stringify(value, undefined, 2);
const constant = (doc: string, name: string, value: unknown) =>
  `/** ${doc.replaceAll("*/", "*\\/")} */\nexport const ${name} = ${literal(value)}${value === null ? "" : " as const"};\n`;

/** Maps and Contract bookkeeping become plain data; `pointer` is of no use at run time. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== "pointer" && inner !== undefined)
      .map(([key, inner]) => [key, plain(inner)]),
  );
}

const byName = (list: readonly { readonly name: string }[]) =>
  Object.fromEntries(list.map((item) => [item.name, plain({ ...item, name: undefined })]));

/** Of the first WebSocket channel; a document without one gives the title and the messages alone. */
export function emitConstants(contract: Contract): string {
  const channel = contract.channels.find(({ kind }) => kind === "websocket") ?? contract.channels[0];
  const tags = (from: "client" | "server") =>
    messagesOf(contract, from, "websocket").map(
      (name) => contract.messages.find((message) => message.name === name)?.tag?.value ?? name,
    );
  return [
    banner("What the document says beside its messages."),
    constant("The document's title and version.", "protocol", {
      title: contract.title,
      version: contract.version,
      address: channel?.address ?? "/",
    }),
    constant(
      "Subprotocols that the server accepts, best first (RFC 6455 section 1.9).",
      "subprotocols",
      channel?.handshake?.subprotocols ?? [],
    ),
    constant("What the handshake wants, and how each refusal looks.", "handshake", plain(channel?.handshake ?? null)),
    constant("Tags of what the client sends.", "clientMessages", tags("client")),
    constant("Tags of what the server sends.", "serverMessages", tags("server")),
    constant("Close codes, and what the client should do after each.", "closeCodes", byName(channel?.closeCodes ?? [])),
    constant(
      "Error codes.",
      "errorCodes",
      Object.fromEntries((contract.errors?.codes ?? []).map((code) => [code.code, plain({ ...code, code: undefined })])),
    ),
    constant("Limits by name. The server may advertise others.", "limits", byName(channel?.limits ?? [])),
    constant("Rate limits by name. The server may advertise others.", "rateLimits", byName(channel?.rateLimits ?? [])),
    constant("How dead peers are found.", "heartbeat", plain(channel?.heartbeat ?? null)),
    constant(
      "For how long a repeated idempotency key is recognised, by operation, in ms.",
      "idempotencyMs",
      idempotency(contract),
    ),
    constant(
      "What each operation of a client requires of its rate and its credential, in the order of the checks.",
      "operations",
      operations(contract),
    ),
    ...forClients(contract),
  ].join("\n");
}

/** What a client needs of the constants above, without their texts: a browser bundle counts bytes. */
function forClients(contract: Contract): string[] {
  const channel = contract.channels.find(({ kind }) => kind === "websocket") ?? contract.channels[0];
  const tagOf = (name: string) => contract.messages.find((message) => message.name === name)?.tag?.value ?? name;
  const errorReplies = new Set(contract.errors?.replies.map(({ message }) => message));
  const received = contract.operations.filter((operation) => operation.action === "receive" && operation.channel === channel?.id);
  const byMessage = (of: (operation: Contract["operations"][number]) => unknown) =>
    Object.fromEntries(received.flatMap((operation) => operation.messages.map((name) => [tagOf(name), of(operation)])));
  return [
    constant(
      "From close code to what the client should do, and the least delay in ms.",
      "reconnectByCode",
      Object.fromEntries(
        (channel?.closeCodes ?? []).map(({ code, reconnect, minDelayMs }) => [code, [reconnect, minDelayMs ?? 0]]),
      ),
    ),
    constant(
      "What the server does with each message of the client: the rate limits that count it, the replies other than errors, and for how many ms a repeated idempotency key is recognised (0: it has no key).",
      "requests",
      byMessage(({ requires, reply, effects }) => ({
        rates: requires.flatMap((requirement) => (requirement.kind === "rate" ? [requirement.limit] : [])),
        replies: (reply ?? []).filter((name) => !errorReplies.has(name)).map(tagOf),
        keyMs: effects.reduce((ms, effect) => (effect.kind === "once" ? effect.withinMs : ms), 0),
      })),
    ),
    constant(
      "Rate limits that count more than one connection.",
      "sharedRates",
      (channel?.rateLimits ?? []).filter(({ scope }) => scope !== "connection").map(({ name }) => name),
    ),
  ];
}

/** Relations, limits and recipients are left out: they need the server's state. */
function operations(contract: Contract): Record<string, unknown> {
  const tagOf = (name: string) => contract.messages.find((message) => message.name === name)?.tag?.value ?? name;
  return Object.fromEntries(
    contract.operations
      .filter(({ action }) => action === "receive")
      .map(({ id, messages, requires }) => [id, { messages: messages.map(tagOf), requires: requires.flatMap(ofSender) }]),
  );
}

function ofSender(requirement: Requirement): unknown[] {
  const { kind, else: error } = requirement;
  if (kind === "rate") return [{ kind, rate: requirement.limit }];
  if (kind === "claim") return [{ kind, claim: requirement.claim, contains: requirement.contains, error }];
  if (kind === "credential" && requirement.lacks) {
    return [{ kind: "fresh-credential", claim: requirement.lacks.claim, lacks: requirement.lacks.value, error }];
  }
  return [];
}

function idempotency(contract: Contract): Record<string, number> {
  return Object.fromEntries(
    contract.operations.flatMap(({ id, effects }) =>
      effects.flatMap((effect) => (effect.kind === "once" ? [[id, effect.withinMs]] : [])),
    ),
  );
}
