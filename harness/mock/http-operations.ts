// Operations over HTTP beside the WebSocket: a request is checked as the document says, and answered with the declared status and body.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Channel, ErrorValue, Message, Operation } from "../../spec/contract.ts";
import { parent } from "../../spec/pointer.ts";
import { schemasAt } from "../../spec/schema-walk.ts";
import { placesOf } from "../schema/edit.ts";
import type { Json } from "../schema/json.ts";
import { createSchemaValidator } from "../schema/schema-validator.ts";
import { holds } from "./credential.ts";
import { perform } from "./effects.ts";
import type { Engine } from "./engine.ts";
import { afterPrefix } from "./handshake.ts";
import { type Request, refuse } from "./requirements.ts";

interface Route {
  readonly operation: Operation;
  readonly channel: Channel;
  readonly message: Message;
}

const maxBodyBytes = 1_048_576;

/** Answers a request, or says that it is none of the document's. */
export type HttpOperations = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createHttpOperations(engine: Engine): HttpOperations {
  const { contract } = engine;
  const routes = contract.operations.flatMap((operation): Route[] => {
    const channel = contract.channels.find(({ id }) => id === operation.channel);
    const message = contract.messages.find(({ name }) => name === operation.messages[0]);
    return operation.action === "receive" && channel?.kind === "http" && message !== undefined
      ? [{ operation, channel, message }]
      : [];
  });
  const patterns = routes.map((route) => ({ ...route, pattern: patternOf(route.channel.address) }));
  return (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    for (const route of patterns) {
      const found = route.pattern.exec(pathname);
      if (found === null || request.method !== (route.operation.httpMethod ?? "POST")) continue;
      const names = [...route.channel.address.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name!);
      const parameters = new Map(names.map((name, at) => [name, decoded(found[at + 1] ?? "")]));
      void readBody(request).then(
        (body) => answer(engine, route, { request, response, body, parameters }),
        () => response.destroy(),
      );
      return true;
    }
    return false;
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Undefined: it is too long. */
  readonly body: Buffer | undefined;
  readonly parameters: ReadonlyMap<string, string>;
}

function answer(engine: Engine, { operation, channel, message }: Route, { request, response, body, parameters }: Exchange): void {
  const { contract } = engine;
  const reply = (status: number, frame: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const text = frame === undefined ? "" : JSON.stringify(frame);
    response.writeHead(status, { "Content-Type": message.contentType, "Content-Length": Buffer.byteLength(text), ...headers });
    response.end(text);
  };
  const rejected = (code: ErrorValue | undefined, retryAfterMs?: number, at?: string) => {
    const declared = contract.errors?.codes.find((one) => one.code === code);
    const retryAfter = retryAfterMs === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterMs / 1000)) };
    reply(declared?.http ?? 400, refusal(engine, operation, code, retryAfterMs, at), retryAfter);
  };
  if (body === undefined) {
    reply(413, undefined, { Connection: "close" });
    return;
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, [value ?? ""].flat().join(", ")]),
  );
  const required = operation.requires.find((one) => one.kind === "credential" && one.value.kind === "header");
  let claims: ReadonlyMap<string, unknown> = new Map();
  if (required?.kind === "credential" && required.value.kind === "header") {
    const name = required.value.name.toLowerCase();
    const carriers = contract.channels.flatMap(({ handshake }) => handshake?.credentials?.carriers ?? []);
    const carrier = carriers.find((one) => one.in === "header" && one.name.toLowerCase() === name);
    const text = afterPrefix(headers[name] ?? "", carrier?.in === "header" ? carrier.prefix : "");
    const checked = text === undefined ? undefined : engine.checkCredential(text);
    if (checked?.kind !== "good") {
      rejected(required.else);
      return;
    }
    claims = checked.claims;
    headers[name] = text!;
  }
  const claimed = operation.requires.find((one) => one.kind === "claim" && !holds(claims.get(one.claim), one.contains));
  if (claimed !== undefined) {
    rejected(claimed.else);
    return;
  }
  const malformed = (when: string, at?: string) =>
    rejected(contract.errors?.codes.find((one) => one.when === when)?.code, undefined, at);
  let frame: unknown;
  try {
    frame = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    malformed("not-json");
    return;
  }
  const [wrong] = engine.validators.of(message.name)(frame);
  const actor = { attributes: engine.caller(claims), claims, session: undefined, headers, parameters };
  const scope: Request = { actor, frame };
  if (wrong !== undefined || !headersFit(engine, message, headers)) {
    malformed("not-in-schema", wrong?.pointer ?? "");
    return;
  }
  if (!parametersFit(engine, operation, channel, scope)) {
    malformed("not-in-schema", "");
    return;
  }
  const refused = refuse(engine, operation.requires, scope);
  if (refused !== undefined) {
    rejected(refused.code, refused.retryAfterMs);
    return;
  }
  const name = engine.replyName(operation);
  const done = perform(engine, operation, scope, name);
  const status = contract.messages.find((one) => one.name === name)?.httpStatus;
  reply(status ?? (done.reply === undefined ? 204 : 200), done.reply?.frame);
  done.finish();
}

/** The body of a refusal: the reply of the operation that is no success. */
function refusal(
  engine: Engine,
  operation: Operation,
  code: ErrorValue | undefined,
  retryAfterMs: number | undefined,
  at?: string,
): unknown {
  const success = engine.replyName(operation);
  const name = operation.reply?.find((one) => one !== success);
  const shape = engine.contract.errors?.reply;
  if (name === undefined || code === undefined) return undefined;
  const declared = engine.contract.errors?.codes.find((one) => one.code === code);
  // Over HTTP the members are named as in the error message, and stand where the example has the code.
  const last = (pointer: string | undefined) => pointer?.slice(pointer.lastIndexOf("/") + 1);
  const example = engine.factory.build(name, []);
  const codeName = last(shape?.code);
  const codeAt = codeName === undefined ? undefined : placesOf(example as Json).find((place) => place.endsWith(`/${codeName}`));
  if (codeAt === undefined) return example;
  const payload = engine.factory.message(name)?.payload ?? true;
  const beside = (pointer: string | undefined) => (pointer === undefined ? undefined : `${parent(codeAt)}/${last(pointer)}`);
  const parts = [
    [codeAt, code],
    [beside(shape?.retryable), declared?.retryable],
    [beside(shape?.retryAfterMs), retryAfterMs],
    [beside(shape?.pointer), at],
  ].flatMap(([pointer, value]) =>
    typeof pointer === "string" && schemasAt(payload, pointer, engine.contract.definitions) !== undefined
      ? [[pointer, value] as const]
      : [],
  );
  return engine.factory.build(name, parts);
}

function headersFit(engine: Engine, message: Message, headers: Readonly<Record<string, string>>): boolean {
  if (typeof message.headers !== "object") return true;
  const properties = (message.headers.properties ?? {}) as Readonly<Record<string, NonNullable<Message["headers"]>>>;
  const validator = createSchemaValidator(engine.contract.definitions, message.draft);
  return Object.entries(properties).every(([name, schema]) => {
    const value = headers[name.toLowerCase()];
    return value === undefined || /^(authorization|cookie)$/i.test(name) || validator.compile(schema)(value);
  });
}

/** A parameter that a delivery carries must fit the place in the message where it goes. */
function parametersFit(engine: Engine, operation: Operation, _channel: Channel, scope: Request): boolean {
  for (const effect of operation.effects) {
    if (effect.kind !== "deliver") continue;
    const parts = [...effect.bindings].flatMap(([pointer, value]) =>
      value.kind === "parameter" ? [[pointer, scope.actor.parameters.get(value.name)] as const] : [],
    );
    if (parts.length > 0 && engine.validators.of(effect.message)(engine.factory.build(effect.message, parts)).length > 0)
      return false;
  }
  return true;
}

function patternOf(address: string): RegExp {
  const source = address
    .split("?")[0]!
    .split(/\{[^{}]*\}/)
    .map((part) => part.replaceAll(/[.*+?^$()|[\]{}\\/-]/g, "\\$&"))
    .join("([^/]+)");
  return new RegExp(`^${source}$`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
