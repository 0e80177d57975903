// What of a document is used, and how: replies, handshake, perspective; and what is not read, once, by kind and count.
import type { Contract, Message, Operation } from "../contract.ts";
import { carriersOf } from "../normalise-handshake.ts";
import { join } from "../pointer.ts";
import { isRecord, record, text } from "../raw.ts";
import { at, resolve } from "../source-tree.ts";
import { type Check, choices } from "./check.ts";

/** How a reply is told to be the one of a request, and where its error code stands. */
export const checkReplies: Check = ({ tree, contract }) =>
  contract.operations
    .filter(({ action, reply, channel }) => action === "receive" && reply !== undefined && isSocket(contract, channel))
    .map((operation) =>
      at(tree, operation.pointer, {
        severity: "info",
        id: "replies-told-by",
        expected: "a correlationId in the requests and their replies, which makes this exact",
        actual: `replies of ${operation.id} are told ${toldBy(contract, operation)}${codesAt(contract, operation)}`,
        fix: "No action needed.",
      }),
    );

function isSocket(contract: Contract, channel: string): boolean {
  return contract.channels.find(({ id }) => id === channel)?.kind === "websocket";
}

function messagesOf(contract: Contract, names: readonly string[]): Message[] {
  return names.flatMap((name) => contract.messages.find((message) => message.name === name) ?? []);
}

function toldBy(contract: Contract, operation: Operation): string {
  const replies = messagesOf(contract, operation.reply ?? []);
  const places = new Set(replies.map(({ correlation }) => correlation));
  const asks = messagesOf(contract, operation.messages).every(({ correlation }) => correlation !== undefined);
  if (asks && !places.has(undefined) && places.size > 0) return `by ${choices([...places].map(String))}`;
  const tags = new Set(replies.map(({ tag }) => tag?.pointer));
  return !tags.has(undefined) && tags.size > 0
    ? `by their constant at ${choices([...tags].map(String))}, in order`
    : "by their schemas, in order";
}

function codesAt({ errors }: Contract, operation: Operation): string {
  const places = (errors?.replies ?? []).flatMap(({ message, code }) =>
    operation.reply?.includes(message) && code !== undefined ? [code] : [],
  );
  return places.length === 0 ? "" : `; codes at ${choices(places)}`;
}

/** Fields that every handshake must have and for which the document names no value. */
export const checkHandshake: Check = ({ tree, contract }) =>
  contract.channels.flatMap(({ handshake }) =>
    (["query", "headers"] as const).flatMap((place) =>
      (handshake?.[place] ?? [])
        .filter(({ required, value }) => required && value === undefined)
        .map(({ name, pointer }) =>
          at(tree, pointer, {
            severity: "info",
            id: "handshake-value-missing",
            expected: `a value for the required ${place === "query" ? "query parameter" : "header"} ${name}`,
            actual: "none in the document",
            fix: `add a const, default or example, or give --var ${name}=VALUE`,
          }),
        ),
    ),
  );

/** Names of what servers usually send, and of what clients usually send. */
const serverWords =
  /(event|notif|update|hello|welcome|connected|disconnect|response|reply|result|ack|pong|error|status|snapshot|tick)/i;
const clientWords = /(subscribe|request|command|join|login|auth|query|ping$|^ping|^get|^set|^send|publish)/i;

/** Whether most operations make sense only the other way round. */
export const checkPerspective: Check = ({ tree, contract }) => {
  if (contract.perspective === "client") return [];
  const operations = contract.operations.filter(({ channel }) => isSocket(contract, channel));
  const reads = operations.map(({ id, action, messages, reply }) => {
    // A server rarely asks a client for a reply.
    if (action === "send" && reply !== undefined) return "client";
    const name = `${messages.join(" ")} ${messages.length === 0 ? id : ""}`;
    const [server, client] = [serverWords.test(name), clientWords.test(name)];
    if (server === client) return undefined;
    return server === (action === "send") ? "server" : "client";
  });
  const count = (side: string) => reads.filter((read) => read === side).length;
  if (count("client") < 2 || count("client") <= 2 * count("server") || count("client") * 2 < operations.length) return [];
  return [
    at(tree, "#/operations", {
      severity: "info",
      id: "perspective-of-client",
      expected: "operations of the server: it receives requests and sends events",
      actual: `${count("client")} of ${operations.length} operations read as the client's`,
      fix: "try --perspective client, or write x-perspective: client into the document",
    }),
  ];
};

/** What AsyncAPI can say and nothing here reads. */
export const checkNotRead: Check = ({ tree, contract }) => {
  const counts = new Map<string, number>();
  const count = (kind: string) => counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const root = record(tree.root);
  const bindings = (value: unknown) => {
    for (const protocol of Object.keys(record(record(value).bindings))) {
      if (protocol !== "ws" && protocol !== "http") count(`${protocol} binding`);
    }
  };
  for (const group of ["servers", "channels", "operations"]) {
    for (const name of Object.keys(record(root[group]))) bindings(resolve(tree, join("#", group, name))?.value);
  }
  for (const message of contract.messages) {
    const value = record(resolve(tree, message.pointer)?.value);
    bindings(value);
    if (message.headers !== undefined && message.httpStatus === undefined) count("message headers schema");
    const location = text(record(resolve(tree, join(message.pointer, "correlationId"))?.value).location);
    if (location?.startsWith("$message.header#")) count("correlationId in message headers");
  }
  for (const name of Object.keys(record(root.operations))) {
    if (isRecord(resolve(tree, join("#/operations", name, "reply", "address"))?.value)) count("reply address");
  }
  const schemes = record(record(root.components).securitySchemes);
  for (const name of Object.keys(schemes)) {
    const scheme = record(resolve(tree, join("#/components/securitySchemes", name))?.value);
    if (scheme.type !== undefined && carriersOf(scheme).length === 0) count(`security scheme ${String(scheme.type)}`);
  }
  if (counts.size === 0) return [];
  const kinds = [...counts].map(([kind, times]) => (times === 1 ? `1 ${kind}` : `${times} x ${kind}`));
  return [
    at(tree, "#", {
      severity: "info",
      id: "not-read",
      expected: "what a WebSocket connection can show",
      actual: `not read: ${kinds.join(", ")}`,
      fix: "No action needed: a WebSocket frame has no headers, and bindings of other protocols say nothing about it.",
    }),
  ];
};
