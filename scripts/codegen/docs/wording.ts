// What the Contract's terms mean, in words for people. Markdown and page say the same.
import type {
  Audience,
  Batch,
  Channel,
  CloseCode,
  Delivery,
  Effect,
  Handshake,
  Heartbeat,
  Limit,
  Operation,
  Refusal,
  Requirement,
  Stream,
  Value,
  Where,
} from "../../../spec/contract.ts";

export const reconnectWords: Readonly<Record<CloseCode["reconnect"], string>> = {
  stop: "Do not reconnect.",
  "at-once": "Reconnect at once.",
  "back-off": "Reconnect with back-off.",
  spread: "Reconnect after a random delay, within the time that the message before the close gives.",
  "fresh-token": "Get a fresh token, then reconnect once.",
  rejoin: "Reconnect and start over, without a position.",
};

/** What the client should do after this close code. */
export function afterClose({ reconnect, minDelayMs }: CloseCode): string {
  return reconnectWords[reconnect] + (minDelayMs === undefined ? "" : ` Wait at least ${duration(minDelayMs)}.`);
}

/** `30 s`, `250 ms`. */
export function duration(ms: number): string {
  return ms >= 1000 && ms % 100 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

export const refusalWords: Readonly<Record<Refusal["when"], string>> = {
  "path-unknown": "The path is unknown.",
  "not-an-upgrade": "The request is not a WebSocket upgrade.",
  "origin-not-allowed": "The Origin is not on the server's list.",
  draining: "The server is shutting down.",
  "subprotocol-not-acceptable": "No offered subprotocol is supported.",
  "credential-missing": "The credential is missing.",
  "credential-invalid": "The credential is malformed or not valid for this service.",
  "credential-expired": "The credential has expired.",
  claim: "A claim of the credential bars the user.",
  "too-many-connections": "The user has too many connections.",
};

/** How a refusal looks, such as `HTTP 403` or `close 4401`. */
export function refusalOutcome({ outcome }: Refusal): string {
  if ("close" in outcome) return `accepted, then close ${outcome.close}`;
  return `HTTP ${outcome.http}${outcome.headers.length > 0 ? ` with ${outcome.headers.join(", ")}` : ""}`;
}

/** What a browser's own WebSocket makes of the refusals: it hides more than it shows. One sentence each. */
export function browserWords({ refusals, subprotocols }: Handshake): string[] {
  const statuses = [...new Set(refusals.flatMap(({ outcome }) => ("http" in outcome ? [outcome.http] : [])))].sort(
    (a, b) => a - b,
  );
  const subprotocol = refusals.find(({ when }) => when === "subprotocol-not-acceptable")?.outcome;
  const sentences: string[] = [];
  if (statuses.length > 0) {
    const what =
      statuses.length === 1
        ? `an HTTP ${statuses[0]} from anything else that fails: it shows`
        : `HTTP ${statuses.join(", ")} apart: each shows`;
    sentences.push(`A page in a browser cannot tell ${what} as close 1006, without a status or a reason.`);
  }
  if (subprotocol !== undefined && "close" in subprotocol) {
    const wanted = subprotocols.map((name) => `\`${name}\``).join(" or ");
    sentences.push(
      `A browser that offers only wrong subprotocols sees 1006, not ${subprotocol.close}: it closes the connection itself when the server selects none of them. Offer ${wanted === "" ? "the right one" : wanted}. (A browser that offers none does see ${subprotocol.close}.)`,
    );
  }
  return sentences;
}

/** A value in words, in Markdown-like backticks. */
export function valueWords(value: Value): string {
  switch (value.kind) {
    case "literal":
      return `\`${JSON.stringify(value.value)}\``;
    case "message":
      return value.pointer === "" ? "the whole request" : `\`${value.pointer}\` of the request`;
    case "header":
      return `the header \`${value.name}\``;
    case "sender":
      return `the sender's \`${value.attribute}\``;
    case "parameter":
      return `\`{${value.name}}\` of the address`;
    case "column":
      return `the \`${value.name}\``;
    case "count":
      return `the current number of \`${value.relation}\``;
    case "reply":
      return value.pointer === "" ? "the whole reply" : `\`${value.pointer}\` of the reply`;
    case "relation":
      return `a \`${value.column}\` of the sender's \`${value.relation}\``;
    case "list":
      return `the ${value.item === undefined ? "list" : `\`${value.item}\``} of all \`${value.relation}\``;
  }
}

/** ` where room is ...`; empty where nothing narrows the relation. */
function whereWords(where: Where): string {
  const terms = [...where].map(([column, value]) => `\`${column}\` is ${valueWords(value)}`);
  return terms.length === 0 ? "" : ` where ${terms.join(" and ")}`;
}

export function requirementWords(requirement: Requirement): string {
  switch (requirement.kind) {
    case "rate":
      return `Within the rate limit \`${requirement.limit}\`.`;
    case "limit":
      return `Within the limit \`${requirement.limit}\`${whereWords(requirement.where)}.`;
    case "relation":
      return `The sender is ${requirement.present ? "" : "not "}\`${requirement.relation}\`${whereWords(requirement.where)}.`;
    case "claim":
      return `The claim \`${requirement.claim}\` contains \`${String(requirement.contains)}\`.`;
    case "connection":
      return `Some open connection's \`${requirement.attribute}\` is ${valueWords(requirement.equals)}.`;
    case "credential":
      if (requirement.same !== undefined) return `The new credential has the same \`${requirement.same}\`.`;
      if (requirement.lacks !== undefined)
        return `The new credential's \`${requirement.lacks.claim}\` does not contain \`${String(requirement.lacks.value)}\`.`;
      return requirement.value.kind === "header"
        ? `The credential in ${valueWords(requirement.value)} is valid.`
        : "The new credential is valid.";
    case "may":
      return `The server may reject with ${requirement.codes.map((code) => `\`${code}\``).join(", ")}.`;
  }
}

/** What answers a heartbeat. @param link to a message */
export function heartbeatAnswer({ answer, answeredBy }: Heartbeat, link: (message: string) => string): string {
  if (answer !== undefined) return link(answer);
  return answeredBy === "pong" ? "the answer" : "any frame";
}

/** How several messages go in one frame; empty where they do not. */
export function batchWords({ batch, joinsMessages }: Pick<Channel, "batch" | "joinsMessages">): string {
  const joins = joinsMessages ? ["The server may send several messages together as one array, in their order."] : [];
  return [...(batch === undefined ? [] : [requestBatchWords(batch)]), ...joins].join(" ");
}

function requestBatchWords({ maxItems, replies, error }: Batch): string {
  const most = maxItems === undefined ? "" : ` of at most ${maxItems}`;
  const order = replies === "in-order" ? "in the order of the requests" : "in any order";
  const refused = maxItems === undefined ? "An empty array" : "An empty array, and a longer one,";
  const rejected = error === undefined ? "" : ` ${refused} is rejected with \`${String(error)}\`.`;
  return `A frame may be an array${most === "" ? " of" : most} requests. One array holds their replies, ${order}.${rejected}`;
}

/** In which order replies come; empty where it is that of the requests. */
export function replyOrderWords({ replies }: Delivery): string {
  return replies === "any-order"
    ? "Replies may come in another order than their requests: the id tells which request one answers."
    : "";
}

/** When an operation is answered, and whether test tools may send it; empty where both are as usual. */
export function operationNotes({ replyWhen, exercise }: Pick<Operation, "replyWhen" | "exercise">): string {
  return [
    replyWhen === "when-correlated" ? "A request without an id gets no reply." : "",
    { never: "Test tools never send it.", examples: "Test tools send its examples alone.", full: "" }[exercise],
  ]
    .filter((text) => text !== "")
    .join(" ");
}

export function audienceWords(to: Audience): string {
  switch (to.kind) {
    case "all":
      return "every connection";
    case "relation":
      return `every \`${to.relation}\`${whereWords(to.where)}`;
    case "connection":
      return `the connection whose \`${to.attribute}\` is ${valueWords(to.equals)}`;
  }
}

export function effectWords(effect: Effect): string {
  switch (effect.kind) {
    case "once":
      return `Idempotent per \`${effect.per}\`: repeating ${valueWords(effect.key)} within ${duration(effect.withinMs)} returns the same reply and has no effect.`;
    case "add":
      return `The sender becomes \`${effect.relation}\`${whereWords(effect.where)}.`;
    case "remove":
      return `The sender stops being \`${effect.relation}\`${whereWords(effect.where)}.`;
    case "reply":
      return `The sender gets \`${effect.message}\`.`;
    case "deliver": {
      const sender =
        effect.to.kind === "connection" ? "" : effect.sender === "included" ? ", including the sender" : ", except the sender";
      return `\`${effect.message}\` is sent to ${audienceWords(effect.to)}${sender}${effect.when === "changed" ? ", if something changed" : ""}.`;
    }
    case "replay":
      return `Messages of the stream \`${effect.stream}\` after ${valueWords(effect.since)} are sent again, or the reply says that they cannot be.`;
    case "renew":
      return `${valueWords(effect.credential)} becomes the connection's credential.`;
    case "close":
      return `The connection is closed with ${effect.code}.`;
  }
}

/** The limit's value with its unit. */
export function limitValue(limit: Limit): string {
  switch (limit.kind) {
    case "message-bytes":
      return `${limit.value} bytes`;
    case "queued-bytes":
      return `${limit.value} bytes${limit.forMs > 0 ? ` for ${duration(limit.forMs)}` : ""}`;
    case "relation":
      return `${limit.value} \`${limit.relation}\` per ${limit.per}`;
    case "connections":
      return `${limit.value} connections per \`${limit.per}\``;
    case "errors":
      return `${limit.value} errors in ${duration(limit.windowMs)}`;
    case "credential-grace":
    case "first-message":
      return duration(limit.value);
  }
}

export function beyond({ error, close }: Pick<Limit, "error" | "close">): string {
  return (
    [error === undefined ? "" : `the error \`${error}\``, close === undefined ? "" : `close ${close}`]
      .filter((part) => part !== "")
      .join(", ") || "not specified"
  );
}

export const orderWords: Readonly<Record<Stream["order"], string>> = {
  none: "no order",
  sender: "in the order in which one sender sent them",
  total: "in one order, the same for all",
};
