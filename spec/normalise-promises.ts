// The x- keys of the root and of a channel: state, errors, handshake, heartbeat, limits, close codes, delivery.
import {
  type Batch,
  type CloseCode,
  type Delivery,
  type DocumentPointer,
  type ErrorReply,
  type Errors,
  type Heartbeat,
  isErrorValue,
  isWebSocketPing,
  type Limit,
  type RateLimit,
  reconnectClasses,
  type State,
  type Stream,
} from "./contract.ts";
import { type Named, normaliseEffects } from "./normalise-effects.ts";
import { join } from "./pointer.ts";
import { isRecord, list, number, oneOf, type RawRecord, record, strings, text } from "./raw.ts";

/** What messages and errors are called in the Contract. */
type ContractNames = Pick<Named, "message" | "error">;

/** How long a delivery may take where the document does not say, in ms. */
const standardWithinMs = 5_000;

export function normaliseState(raw: unknown, pointer: DocumentPointer, named: ContractNames): State {
  const attributes = entries(record(raw).connection).map(([name, value]) => ({
    name,
    description: text(value.description) ?? "",
    at: text(value.at) ?? "",
    unique: value.unique === true,
    claim: text(value.claim),
  }));
  const relations = entries(record(raw).relations).map(([name, value]) => {
    const columns = strings(value.columns);
    const at = join(pointer, "relations", name);
    return {
      name,
      pointer: at,
      description: text(value.description) ?? "",
      columns,
      onDisconnect: normaliseEffects(value.onDisconnect, join(at, "onDisconnect"), named, { columns }),
    };
  });
  return { attributes, relations };
}

export function normaliseErrors(raw: unknown, pointer: DocumentPointer, messageNamed: Named["message"]): Errors | undefined {
  if (!isRecord(raw)) return undefined;
  const replies = (Array.isArray(raw.reply) ? raw.reply : [raw.reply]).map((entry): ErrorReply => {
    const reply = record(entry);
    const message = text(reply.message);
    return {
      message: message === undefined ? undefined : messageNamed(message),
      code: text(reply.code),
      retryable: text(reply.retryable),
      retryAfterMs: text(reply.retryAfterMs),
      pointer: text(reply.pointer),
    };
  });
  return {
    reply: replies[0] ?? {
      message: undefined,
      code: undefined,
      retryable: undefined,
      retryAfterMs: undefined,
      pointer: undefined,
    },
    replies: replies.flatMap(({ message, ...reply }, index) => {
      const from = Array.isArray(raw.reply) ? join(pointer, "reply", index) : join(pointer, "reply");
      return message === undefined ? [] : [{ ...reply, message, from }];
    }),
    codes: list(raw.codes).map((entry, index) => {
      const value = record(entry);
      return {
        code: isErrorValue(value.code) ? value.code : "",
        name: text(value.name) ?? String(value.code ?? ""),
        pointer: join(pointer, "codes", index),
        description: text(value.description) ?? "",
        when: oneOf(value.when, ["not-json", "not-in-schema", "unknown-type", "required", "unavailable", "internal"], "required"),
        retryable: value.retryable === true,
        close: number(value.close),
        http: number(value.http),
      };
    }),
  };
}

export function normaliseHeartbeat(raw: unknown, pointer: DocumentPointer, named: ContractNames): Heartbeat | undefined {
  if (!isRecord(raw)) return undefined;
  const frame = text(raw.frame) ?? "ping";
  const advertised = record(raw.advertised);
  return {
    pointer,
    by: oneOf(raw.by, ["server", "client"], "server"),
    frame: isWebSocketPing({ frame, answer: text(raw.answer) }) ? frame : named.message(frame),
    intervalMs: number(raw.intervalMs) ?? 0,
    jitter: number(raw.jitter) ?? 0,
    timeoutMs: number(raw.timeoutMs) ?? 0,
    answeredBy: oneOf(raw.answeredBy, ["pong", "any-frame"], "pong"),
    answer: text(raw.answer) === undefined ? undefined : named.message(text(raw.answer)!),
    close: number(raw.close),
    advertised: { intervalMs: text(advertised.intervalMs), timeoutMs: text(advertised.timeoutMs) },
  };
}

export function normaliseLimits(raw: unknown, pointer: DocumentPointer, named: ContractNames): Limit[] {
  return entries(raw).flatMap(([name, value]): Limit[] => {
    const base = {
      name,
      pointer: join(pointer, name),
      description: text(value.description) ?? "",
      value: number(value.value) ?? 0,
      error: named.error(value.error),
      close: number(value.close),
      advertised: text(value.advertised),
    };
    const per = text(value.per) ?? "";
    switch (value.kind) {
      case "message-bytes":
      case "credential-grace":
        return [{ ...base, kind: value.kind }];
      case "relation":
        return [{ ...base, kind: "relation", relation: text(value.relation) ?? "", per }];
      case "connections":
        return [{ ...base, kind: "connections", per }];
      case "errors":
        return [
          {
            ...base,
            kind: "errors",
            errors: list(value.errors).flatMap((code) => named.error(code) ?? []),
            windowMs: number(value.windowMs) ?? 0,
          },
        ];
      case "queued-bytes":
        return [{ ...base, kind: "queued-bytes", forMs: number(value.forMs) ?? 0 }];
      case "first-message":
        return [{ ...base, kind: "first-message", message: named.message(text(value.message) ?? "") }];
      default:
        return [];
    }
  });
}

export function normaliseRateLimits(raw: unknown, pointer: DocumentPointer, named: ContractNames): RateLimit[] {
  return entries(raw).map(([name, value]) => {
    const advertised = record(value.advertised);
    return {
      name,
      pointer: join(pointer, name),
      description: text(value.description) ?? "",
      scope: text(value.scope) ?? "connection",
      burst: number(value.burst) ?? 0,
      perSecond: number(value.perSecond) ?? 0,
      error: named.error(value.error) ?? "",
      advertised: { burst: text(advertised.burst), perSecond: text(advertised.perSecond) },
    };
  });
}

export function normaliseCloseCodes(raw: unknown, pointer: DocumentPointer): CloseCode[] {
  return list(raw).flatMap((entry, index): CloseCode[] => {
    const value = record(entry);
    const code = number(value.code);
    if (code === undefined) return [];
    return [
      {
        code,
        name: text(value.name) ?? String(code),
        pointer: join(pointer, index),
        by: oneOf(value.by, ["server", "client", "either"], "server"),
        reconnect: oneOf(value.reconnect, reconnectClasses, "back-off"),
        minDelayMs: number(value.minDelayMs),
        spreadMsAt: text(value.spreadMsAt),
        when: text(value.when) ?? "",
      },
    ];
  });
}

export function normaliseDelivery(raw: unknown, pointer: DocumentPointer, named: ContractNames): Delivery | undefined {
  if (!isRecord(raw)) return undefined;
  const streams = entries(raw.streams).map(
    ([name, value]): Stream => ({
      name,
      pointer: join(pointer, "streams", name),
      description: text(value.description) ?? "",
      messages: strings(value.messages).map(named.message),
      replies: strings(value.replies).map(named.message),
      order: oneOf(value.order, ["none", "sender", "total"], "none"),
      key: text(value.key),
      epoch: text(value.epoch),
      seq: text(value.seq),
      guarantee: oneOf(value.guarantee, ["exactly-once", "best-effort"], "exactly-once"),
      withinMs: number(value.withinMs) ?? standardWithinMs,
    }),
  );
  return { pointer, fence: text(raw.fence), replies: oneOf(raw.replies, ["in-order", "any-order"], "in-order"), streams };
}

/** `x-batch: true` has neither limit nor order. */
export function normaliseBatch(raw: unknown, pointer: DocumentPointer, named: ContractNames): Batch | undefined {
  if (raw !== true && !isRecord(raw)) return undefined;
  const value = record(raw);
  if (value.by === "server") return undefined;
  return {
    pointer,
    maxItems: number(value.maxItems),
    replies: oneOf(value.replies, ["in-order", "any-order"], "any-order"),
    error: named.error(value.error),
  };
}

function entries(raw: unknown): [string, RawRecord][] {
  return Object.entries(record(raw)).map(([name, value]) => [name, record(value)]);
}
