// What a channel promises beyond its messages: handshake, heartbeat, limits, codes, delivery.
import type {
  Channel,
  CloseCode,
  Contract,
  Delivery,
  ErrorCode,
  Handshake,
  Heartbeat,
  Limit,
  RateLimit,
  Stream,
} from "../contract.ts";
import { both, type Change, compareBound, compareNamed, compareValue, type Party, show } from "./change.ts";

export function compareChannels(old: Contract, now: Contract): Change[] {
  return compareNamed(old.channels, now.channels, {
    kind: "channel",
    key: ({ id }) => id,
    added: ["servers"],
    removed: ["clients"],
    text: ({ address }) => address,
    changed: compareChannel,
  });
}

function compareChannel(old: Channel, now: Channel): Change[] {
  return [
    ...compareValue("channel-address", now.pointer, `channel ${now.id}: address`, old.address, now.address, both),
    ...compareValue("channel-kind", now.pointer, `channel ${now.id}: protocol`, old.kind, now.kind, both),
    ...compareHandshakes(old.handshake, now.handshake),
    ...compareHeartbeats(old.heartbeat, now.heartbeat),
    ...compareLimits(old.limits, now.limits),
    ...compareRateLimits(old.rateLimits, now.rateLimits),
    ...compareCloseCodes(old.closeCodes, now.closeCodes),
    ...compareDelivery(old.delivery, now.delivery),
  ];
}

/** A whole section that only one of the two has. */
function section(
  id: string,
  pointer: string,
  subject: string,
  old: unknown,
  now: unknown,
  added: readonly Party[],
  removed: readonly Party[],
): Change[] {
  return compareValue(id, pointer, subject, old, now, old === undefined ? added : removed);
}

function compareHandshakes(old: Handshake | undefined, now: Handshake | undefined): Change[] {
  if (old === undefined || now === undefined) {
    return section("handshake", (now ?? old)?.pointer ?? "#", "handshake", old, now, both, both);
  }
  const { pointer } = now;
  const accepted = (kind: string, before: readonly string[], after: readonly string[]) =>
    compareNamed(named(before, pointer), named(after, pointer), {
      kind,
      key: ({ name }) => name,
      added: ["servers"],
      removed: ["clients"],
      text: ({ name }) => name,
      changed: () => [],
    });
  const carriers = (handshake: Handshake) => handshake.credentials?.carriers.map((carrier) => show(carrier)!) ?? [];
  const claims = (handshake: Handshake) => (handshake.credentials?.claims ?? []).map((claim) => ({ ...claim, pointer }));
  return [
    ...compareValue("handshake-first", pointer, "first message", old.first, now.first, both),
    ...accepted("subprotocol", old.subprotocols, now.subprotocols),
    ...compareValue("credential-scheme", pointer, "credential scheme", old.credentials?.scheme, now.credentials?.scheme, both),
    ...accepted("algorithm", old.credentials?.algorithms ?? [], now.credentials?.algorithms ?? []),
    ...accepted("credential-carrier", carriers(old), carriers(now)),
    ...compareNamed(claims(old), claims(now), {
      kind: "claim",
      key: ({ name }) => name,
      added: ["clients"],
      removed: ["servers"],
      text: ({ name }) => name,
      changed: (was, is) => [
        ...compareValue(
          "claim-required",
          pointer,
          `claim ${is.name}: required`,
          was.required,
          is.required,
          is.required ? ["clients"] : ["servers"],
        ),
        ...compareValue("claim-value", pointer, `claim ${is.name}: value`, was.value, is.value, both),
      ],
    }),
    ...compareNamed(old.refusals, now.refusals, {
      kind: "refusal",
      key: ({ when, claim, contains }) => [when, claim, contains].filter((part) => part !== undefined).join(" "),
      added: ["clients"],
      removed: ["servers"],
      text: ({ outcome }) => show(outcome)!,
      changed: (was, is) => compareValue("refusal-outcome", is.pointer, `refusal ${is.when}`, was.outcome, is.outcome, both),
    }),
  ];
}

function compareHeartbeats(old: Heartbeat | undefined, now: Heartbeat | undefined): Change[] {
  if (old === undefined || now === undefined) {
    return section("heartbeat", (now ?? old)?.pointer ?? "#", "heartbeat", old, now, both, both);
  }
  const value = (key: keyof Heartbeat, breaks: readonly Party[]) =>
    compareValue(`heartbeat-${key.toLowerCase()}`, now.pointer, `heartbeat: ${key}`, old[key], now[key], breaks);
  const time = (key: "intervalMs" | "timeoutMs") => {
    const told = old.advertised[key] !== undefined && old.advertised[key] === now.advertised[key];
    return value(key, told ? [] : both);
  };
  const rest = (["by", "frame", "jitter", "answeredBy", "close", "advertised"] as const).flatMap((key) => value(key, both));
  return [...time("intervalMs"), ...time("timeoutMs"), ...rest];
}

/** A number that the server says at each connection may change without breaking a client that reads it. */
const isTold = (old: unknown, now: unknown) => old !== undefined && show(old) === show(now);

function compareLimits(old: readonly Limit[], now: readonly Limit[]): Change[] {
  return compareNamed(old, now, {
    kind: "limit",
    key: ({ name }) => name,
    added: ["clients"],
    removed: ["servers"],
    text: ({ value }) => String(value),
    changed: (was, is) => {
      const bound = compareBound("limit-value", is.pointer, `limit ${is.name}`, was.value, is.value);
      const { value: _, description: __, ...before } = was;
      const { value: ___, description: ____, ...after } = is;
      return [
        ...bound.map((change) => (isTold(was.advertised, is.advertised) ? { ...change, breaks: [] } : change)),
        ...compareValue("limit-outcome", is.pointer, `limit ${is.name}: what it says`, before, after, both),
      ];
    },
  });
}

function compareRateLimits(old: readonly RateLimit[], now: readonly RateLimit[]): Change[] {
  return compareNamed(old, now, {
    kind: "rate-limit",
    key: ({ name }) => name,
    added: ["clients"],
    removed: ["servers"],
    text: ({ burst, perSecond }) => `${burst} at once, ${perSecond}/s`,
    changed: (was, is) => [
      ...(["burst", "perSecond"] as const).flatMap((key) =>
        compareBound(`rate-limit-${key.toLowerCase()}`, is.pointer, `rate limit ${is.name}: ${key}`, was[key], is[key]).map(
          (change) => (isTold(was.advertised[key], is.advertised[key]) ? { ...change, breaks: [] } : change),
        ),
      ),
      ...(["scope", "error", "advertised"] as const).flatMap((key) =>
        compareValue(`rate-limit-${key}`, is.pointer, `rate limit ${is.name}: ${key}`, was[key], is[key], both),
      ),
    ],
  });
}

function compareCloseCodes(old: readonly CloseCode[], now: readonly CloseCode[]): Change[] {
  return compareNamed(old, now, {
    kind: "close-code",
    key: ({ code }) => String(code),
    added: ["clients"],
    removed: ["servers"],
    text: ({ name }) => name,
    changed: (was, is) => [
      // The name is not on the wire.
      ...compareValue("close-code-name", is.pointer, `close code ${is.code}: name`, was.name, is.name, []),
      ...compareValue("close-code-by", is.pointer, `close code ${is.code}: by`, was.by, is.by, both),
      ...(["reconnect", "minDelayMs", "spreadMsAt"] as const).flatMap((key) =>
        compareValue(`close-code-${key.toLowerCase()}`, is.pointer, `close code ${is.code}: ${key}`, was[key], is[key], [
          "clients",
        ]),
      ),
    ],
  });
}

export function compareErrors(old: Contract, now: Contract): Change[] {
  return [
    ...compareValue("error-reply", "#/x-errors/reply", "error reply", old.errors?.reply, now.errors?.reply, both),
    ...compareNamed<ErrorCode>(old.errors?.codes ?? [], now.errors?.codes ?? [], {
      kind: "error-code",
      key: ({ code }) => String(code),
      added: ["clients"],
      removed: ["servers"],
      text: ({ code }) => String(code),
      changed: (was, is) =>
        (["when", "retryable", "close", "http"] as const).flatMap((key) =>
          compareValue(`error-code-${key}`, is.pointer, `error code ${is.code}: ${key}`, was[key], is[key], both),
        ),
    }),
  ];
}

export function compareState(old: Contract, now: Contract): Change[] {
  const plain = ({ state }: Contract) => [
    state.attributes.map(({ description: _, ...rest }) => rest),
    state.relations.map(({ description: _, ...rest }) => rest),
  ];
  return compareValue("state", "#/x-state", "state", plain(old), plain(now), both);
}

function compareDelivery(old: Delivery | undefined, now: Delivery | undefined): Change[] {
  const pointer = (now ?? old)?.pointer ?? "#";
  return [
    ...section("fence", pointer, "fence", old?.fence, now?.fence, ["servers"], ["clients"]),
    ...compareNamed(old?.streams ?? [], now?.streams ?? [], {
      kind: "stream",
      key: ({ name }) => name,
      added: ["servers"],
      removed: ["clients"],
      text: ({ order }) => order,
      changed: compareStream,
    }),
  ];
}

const orders = ["none", "sender", "total"];
const guarantees = ["best-effort", "exactly-once"];

/** A weaker promise breaks clients that rely on it, a stronger one servers that do not keep it. */
function compareStream(old: Stream, now: Stream): Change[] {
  const stronger = (ranks: readonly string[], before: string, after: string): readonly Party[] =>
    ranks.indexOf(after) > ranks.indexOf(before) ? ["servers"] : ["clients"];
  const { pointer, name } = now;
  const sets = (["messages", "replies"] as const).flatMap((key) =>
    compareNamed(named(old[key], pointer), named(now[key], pointer), {
      kind: `stream-${key}`,
      key: (item) => item.name,
      added: ["servers"],
      removed: ["clients"],
      text: (item) => item.name,
      changed: () => [],
    }),
  );
  return [
    ...compareValue(
      "stream-order",
      pointer,
      `stream ${name}: order`,
      old.order,
      now.order,
      stronger(orders, old.order, now.order),
    ),
    ...compareValue(
      "stream-guarantee",
      pointer,
      `stream ${name}: guarantee`,
      old.guarantee,
      now.guarantee,
      stronger(guarantees, old.guarantee, now.guarantee),
    ),
    ...compareValue(
      "stream-within",
      pointer,
      `stream ${name}: withinMs`,
      old.withinMs,
      now.withinMs,
      now.withinMs > old.withinMs ? ["clients"] : ["servers"],
    ),
    ...(["key", "epoch", "seq"] as const).flatMap((key) =>
      compareValue(`stream-${key}`, pointer, `stream ${name}: ${key}`, old[key], now[key], both),
    ),
    ...sets,
  ];
}

function named(names: readonly string[], pointer: string): { name: string; pointer: string }[] {
  return names.map((name) => ({ name, pointer }));
}
