// Operations over HTTP beside the WebSocket: which there are, one request that meets what they require, and what came back.

import type { Channel, ErrorCode, ErrorValue, Message, Operation, Value } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { userFor } from "../../../client/preconditions.ts";
import type { User } from "../../../client/received.ts";
import { withoutChunks } from "../../../client/wire/upgrade.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { placesOf } from "../../../schema/edit.ts";
import { NotTestable, TargetLost, Violation } from "../../../schema/errors.ts";
import type { Json } from "../../../schema/json.ts";
import { shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import type { Clause } from "../../rule.ts";

export interface HttpOperation {
  readonly operation: Operation;
  readonly channel: Channel;
  /** The body of the request. */
  readonly message: Message;
  /** The body of a success. */
  readonly success: Message | undefined;
  /** The bodies of refusals. */
  readonly refusals: readonly Message[];
}

export interface HttpPromise extends Clause {
  readonly http: HttpOperation;
}

/** What the document lets a client ask of the server over HTTP. */
export function httpOperations({ contract }: Pick<ContractUnderTest, "contract">): readonly HttpOperation[] {
  return contract.operations.flatMap((operation) => {
    const channel = contract.channels.find(({ id }) => id === operation.channel);
    const message = contract.messages.find(({ name }) => name === operation.messages[0]);
    if (operation.action !== "receive" || channel?.kind !== "http" || message?.format !== "json") return [];
    const effect = operation.effects.find((one) => one.kind === "reply");
    const replies = contract.messages.filter(({ name }) => operation.reply?.includes(name));
    const isSuccess = ({ name, httpStatus }: Message) =>
      effect?.kind === "reply" ? name === effect.message : httpStatus !== undefined && httpStatus < 300;
    return [
      { operation, channel, message, success: replies.find(isSuccess), refusals: replies.filter((one) => !isSuccess(one)) },
    ];
  });
}

/** Whatever of the request is not given meets what the operation requires. */
export interface HttpRequest {
  readonly user?: User;
  /** Default the user's; null: none. */
  readonly credential?: string | null;
  /** Of the address, default fresh names. */
  readonly parameters?: ReadonlyMap<string, string>;
  /** Default the message's first example. */
  readonly body?: unknown;
  /** In place of the body. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Exchange {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  /** Undefined where the body is not JSON. */
  readonly value: unknown;
  readonly sentAtMs: number;
  readonly atMs: number;
}

/** @throws NotTestable where the document does not say that the HTTP side is where the WebSocket is */
export async function exchange(context: Context, http: HttpOperation, request: HttpRequest = {}): Promise<Exchange> {
  const { operation, channel, message } = http;
  const user = request.user ?? (await userFor(context, operation));
  const parameters = request.parameters ?? parametersFor(context, http);
  const credential = request.credential === undefined ? (user.credential ?? null) : request.credential;
  const body = request.text ?? JSON.stringify(request.body ?? message.examples[0]?.payload);
  const path = channel.address.replaceAll(/\{([^}]*)\}/g, (_, name) => encodeURIComponent(parameters.get(name) ?? name));
  const sentAtMs = context.clock.nowMs();
  const answer = await context.attempt({
    user,
    credential,
    carrier: { in: "header", ...headerFor(context, operation) },
    origin: null,
    subprotocols: [],
    method: operation.httpMethod ?? "POST",
    path: prefixOf(context) + path,
    headers: {
      Connection: "close",
      Upgrade: undefined,
      "Sec-WebSocket-Version": undefined,
      "Sec-WebSocket-Key": undefined,
      "Content-Type": message.contentType,
      "Content-Length": String(Buffer.byteLength(body)),
      ...request.headers,
    },
    body: Buffer.from(body),
  });
  if (answer.kind === "dropped") throw new TargetLost(`No answer over HTTP: ${answer.how}.`);
  if (answer.kind === "open") throw new Violation("an answer to a request that is no upgrade", "an upgrade to WebSocket");
  const text = answer.headers.get("transfer-encoding")?.toLowerCase() === "chunked" ? withoutChunks(answer.body) : answer.body;
  return { ...answer, text, value: parsed(text), sentAtMs, atMs: context.clock.nowMs() };
}

/** Names for the parameters of the address that nobody else has. */
export function parametersFor(context: Context, { channel }: HttpOperation): ReadonlyMap<string, string> {
  return new Map(channel.parameters.map(({ name, values }) => [name, values[0] ?? context.fresh(name)]));
}

/** The path that all HTTP operations begin with. */
function prefixOf({ contract }: Context): string {
  const hosts = new Set(contract.servers.filter(({ protocol }) => /^wss?$/.test(protocol)).map(({ host }) => host));
  const server = contract.servers.find(({ protocol, host }) => /^https?$/.test(protocol) && hosts.has(host));
  if (server === undefined)
    throw new NotTestable("the document names no http server on the host of a ws server, so that its URL is not known");
  return server.pathname.replace(/\/$/, "");
}

/** Where the credential stands: as the operation requires it, else as in the handshake. */
function headerFor(context: Context, operation: Operation): { readonly name: string; readonly prefix: string } {
  const required = operation.requires.find((one) => one.kind === "credential" && one.value.kind === "header");
  const carriers = context.channel.handshake?.credentials?.carriers ?? [];
  const inHeader = carriers.filter((carrier) => carrier.in === "header");
  if (required?.kind !== "credential" || required.value.kind !== "header")
    return inHeader[0] ?? { name: "Authorization", prefix: "Bearer " };
  const { name } = required.value;
  return inHeader.find((carrier) => carrier.name.toLowerCase() === name.toLowerCase()) ?? { name, prefix: "" };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the document says stands at a bound place; undefined where only the server knows. */
export function boundOverHttp(
  context: Context,
  value: Value,
  { user, parameters, body }: { readonly user: User; readonly parameters: ReadonlyMap<string, string>; readonly body: unknown },
): unknown {
  if (value.kind === "literal") return value.value;
  if (value.kind === "message") return lookup(body, value.pointer);
  if (value.kind === "parameter") return parameters.get(value.name);
  if (value.kind !== "sender") return undefined;
  const claim = context.contract.state.attributes.find(({ name }) => name === value.attribute)?.claim;
  return claim === undefined ? undefined : user.claims.get(claim);
}

/** Demands the declared status, and a body that is the declared message. */
export function expectSuccess(context: Context, { operation, success }: HttpOperation, answer: Exchange): void {
  const { status, text } = answer;
  const wanted = success?.httpStatus;
  if (wanted === undefined ? status < 200 || status > 299 : status !== wanted)
    throw new Violation(`${wanted ?? "a status from 200 to 299"} for ${operation.id}`, described(answer));
  if (success === undefined) return;
  const [wrong] = wrongWith(context, success, answer);
  if (wrong !== undefined) throw new Violation(`the message ${success.name}`, `a body that ${wrong}: ${shortened(text)}`);
}

/** Why the body is not this message; empty where it is. */
export function wrongWith(context: Context, message: Message, { headers, value }: Exchange): readonly string[] {
  const type = headers.get("content-type") ?? "none";
  const isTold = type.split(";")[0]?.trim().toLowerCase() === message.contentType.toLowerCase();
  if (!isTold) return [`has the content type ${type} in place of ${message.contentType}`];
  return value === undefined ? ["is not JSON"] : context.wrongWith(message.name, value);
}

/** Of these errors those whose status the document gives. */
export function withStatus(codes: readonly ErrorCode[]): readonly ErrorCode[] {
  return codes.filter(({ http }) => http !== undefined);
}

export function errorsOf({ contract }: Pick<ContractUnderTest, "contract">, code: ErrorValue): readonly ErrorCode[] {
  return withStatus((contract.errors?.codes ?? []).filter((one) => one.code === code));
}

/** Demands the status and the code of one of these errors. @param what was sent, for the message */
export function expectHttpRefused(
  context: Context,
  { refusals }: HttpOperation,
  answer: Exchange,
  codes: readonly ErrorCode[],
  what: string,
): void {
  const told = refusals.flatMap((message) => codePlaces(context, message)).map((place) => lookup(answer.value, place));
  const isIt = ({ code, http }: ErrorCode) => http === answer.status && (told.length === 0 || told.includes(code));
  if (codes.some(isIt)) return;
  const wanted = codes.map(({ code, http }) => `${http} ${code}`).join(" or ");
  throw new Violation(`${wanted} for ${what}`, described(answer));
}

/** Where the message names an error of the document: its example says. */
function codePlaces({ contract }: Pick<ContractUnderTest, "contract">, { examples }: Message): readonly string[] {
  const codes = new Set<unknown>(contract.errors?.codes.map(({ code }) => code));
  const example = examples[0]?.payload as Json | undefined;
  return example === undefined ? [] : placesOf(example).filter((place) => codes.has(lookup(example, place)));
}

export function described({ status, text }: Exchange): string {
  return `${status} ${shortened(text)}`;
}

/** A text for a header that keeps its schema, and that nobody else has. */
export function freshHeader(context: Context, { message }: HttpOperation, name: string): string {
  const { validator } = dataOf(context.contract);
  const isValid = validator.compile(headerSchema(message, name));
  const text = context.fresh("key");
  const fitting = [text, ...[16, 32, 36, 64, 128].map((length) => text.padEnd(length, "x"))].find(isValid);
  if (fitting === undefined) throw new NotTestable(`no generated text fits the header ${name}`);
  return fitting;
}

/** @returns true where the message says nothing of the header */
export function headerSchema({ headers }: Message, name: string): NonNullable<Message["headers"]> {
  if (typeof headers !== "object") return true;
  const properties = headers.properties as Readonly<Record<string, NonNullable<Message["headers"]>>> | undefined;
  return Object.entries(properties ?? {}).find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1] ?? true;
}
