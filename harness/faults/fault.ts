// Every fault that can be planted, as constructors. All are made from the contract's names, so that they fit any document.
import type { DocumentPointer, Pointer, Refusal } from "../../spec/contract.ts";
import type {
  FrameDefect,
  Match,
  MessageAct,
  OnClose,
  OnControl,
  OnFrame,
  OnRequest,
  OnResponse,
  Plan,
  Transformation,
} from "./plan.ts";

export interface Fault {
  /** Permanent; made from the arguments, such as `never-closes/4410`. */
  readonly id: string;
  /** What the server does wrong, in one sentence. */
  readonly breaks: string;
  /** The promise that is broken, where the author names one. */
  readonly pointer?: DocumentPointer;
  readonly how: Plan;
}

/** Which of several messages: with this value at a pointer, or only each n-th, or those from the n-th on, of a connection. Default: all. */
export type Which = Pick<Match, "where" | "everyNth" | "fromNth">;

function fault(id: string, breaks: string, ...transformations: readonly Transformation[]): Fault {
  return { id, breaks, how: { by: "proxy", transformations } };
}

function onMessage(id: string, breaks: string, match: Match, act: MessageAct): Fault {
  const which = [
    match.where === undefined ? "" : `/${match.where.pointer}=${JSON.stringify(match.where.equals)}`,
    match.everyNth === undefined ? "" : `/every-${match.everyNth}`,
    match.fromNth === undefined ? "" : `/from-${match.fromNth}`,
  ].join("");
  return fault(id + which, breaks, { on: "message", match, act });
}

const onClose = (id: string, breaks: string, code: number | undefined, act: OnClose["act"]) =>
  fault(id, breaks, { on: "close", code, act });
const onControl = (id: string, breaks: string, frame: OnControl["frame"], act: OnControl["act"]) =>
  fault(id, breaks, { on: "control", frame, act });
const onRequest = (id: string, breaks: string, act: OnRequest["act"]) => fault(id, breaks, { on: "request", act });
const onResponse = (id: string, breaks: string, status: number | undefined, act: OnResponse["act"]) =>
  fault(id, breaks, { on: "response", status, act });
const json = (value: unknown) => JSON.stringify(value) ?? "undefined";
const codeText = (code: number | undefined) => (code === undefined ? "none" : String(code));

/**
 * Constructors of faults. `message` is a name of Contract.messages and says the direction by itself: on a client's message the server
 * is made to see another one than was sent. `operation` is an operation's id. Pointers point into the message.
 */
export const faults = {
  // --- messages ---
  /** Never sent (or, of the client, never seen). */
  dropsMessage: (message: string, which: Which = {}) =>
    onMessage(`drops-message/${message}`, `\`${message}\` gets lost.`, { message, ...which }, { do: "drop" }),
  duplicatesMessage: (message: string, which: Which = {}) =>
    onMessage(`duplicates-message/${message}`, `\`${message}\` comes twice.`, { message, ...which }, { do: "repeat" }),
  /** Goes out after the next message of the same direction on that connection, whatever it is. */
  reordersMessages: (message: string, which: Which = { everyNth: 2 }) =>
    onMessage(
      `reorders-messages/${message}`,
      `\`${message}\` is overtaken by the next message.`,
      { message, ...which },
      { do: "swap-with-next" },
    ),
  /** @param overtaken whether later messages of the connection do not wait for it, default true */
  delaysMessage: (message: string, ms: number, overtaken = true, which: Which = {}) =>
    onMessage(
      `delays-message/${message}/${ms}${overtaken ? "" : "/in-order"}`,
      `\`${message}\` comes ${ms} ms late.`,
      { message, ...which },
      { do: "hold", ms, overtaken },
    ),
  changesField: (message: string, pointer: Pointer, value: unknown, which: Which = {}) =>
    onMessage(
      `changes-field/${message}${pointer}=${json(value)}`,
      `\`${message}\` has ${json(value)} at ${pointer}.`,
      { message, ...which },
      { do: "set", pointer, value },
    ),
  /** A number, or a timestamp in ms, is off by this. */
  addsToField: (message: string, pointer: Pointer, by: number, which: Which = {}) =>
    onMessage(
      `adds-to-field/${message}${pointer}/${by}`,
      `\`${message}\` is off by ${by} at ${pointer}.`,
      { message, ...which },
      { do: "add", pointer, by },
    ),
  /** Another value of the same JSON type; still valid where the schema leaves room. */
  altersField: (message: string, pointer: Pointer, which: Which = {}) =>
    onMessage(
      `alters-field/${message}${pointer}`,
      `\`${message}\` has another value at ${pointer}.`,
      { message, ...which },
      { do: "alter", pointer },
    ),
  /** A value of another JSON type. */
  retypesField: (message: string, pointer: Pointer, which: Which = {}) =>
    onMessage(
      `retypes-field/${message}${pointer}`,
      `\`${message}\` has a value of the wrong type at ${pointer}.`,
      { message, ...which },
      { do: "retype", pointer },
    ),
  removesField: (message: string, pointer: Pointer, which: Which = {}) =>
    onMessage(
      `removes-field/${message}${pointer}`,
      `\`${message}\` lacks ${pointer}.`,
      { message, ...which },
      { do: "remove", pointer },
    ),
  addsField: (message: string, pointer: Pointer, value: unknown, which: Which = {}) =>
    onMessage(
      `adds-field/${message}${pointer}`,
      `\`${message}\` has ${pointer} more.`,
      { message, ...which },
      { do: "set", pointer, value },
    ),
  /** A member that no schema knows. */
  leaksField: (message: string, pointer: Pointer = "/leaked", value: unknown = "secret", which: Which = {}) =>
    onMessage(
      `leaks-field/${message}${pointer}`,
      `\`${message}\` tells more than its schema has.`,
      { message, ...which },
      { do: "set", pointer, value },
    ),
  sendsText: (message: string, text: string, which: Which = {}) =>
    onMessage(
      `sends-text/${message}/${json(text)}`,
      `In place of \`${message}\` comes ${json(text)}.`,
      { message, ...which },
      { do: "replace", text },
    ),
  sendsBinary: (message: string, which: Which = {}) =>
    onMessage(`sends-binary/${message}`, `\`${message}\` comes in a binary frame.`, { message, ...which }, { do: "binary" }),
  /** Closes the connection in place of the message. @param code undefined: TCP ends without a close frame */
  closesInsteadOf: (message: string, code: number | undefined, which: Which = {}) =>
    onMessage(
      `closes-instead-of/${message}/${codeText(code)}`,
      `In place of \`${message}\` the connection ends.`,
      { message, ...which },
      { do: "close", code },
    ),
  /** The connection ends right after the message. */
  closesAfter: (message: string, code: number | undefined, which: Which = {}) =>
    onMessage(
      `closes-after/${message}/${codeText(code)}`,
      `After \`${message}\` the connection ends.`,
      { message, ...which },
      { do: "close", code, after: true },
    ),

  // --- replies ---
  swallowsReply: (operation: string, outcome?: "success" | "error") =>
    onMessage(
      `swallows-reply/${operation}${outcome === undefined ? "" : `/${outcome}`}`,
      `\`${operation}\` gets no reply.`,
      { answers: operation, ...(outcome === undefined ? {} : { outcome }) },
      { do: "drop" },
    ),
  repliesTwice: (operation: string) =>
    onMessage(`replies-twice/${operation}`, `\`${operation}\` gets its reply twice.`, { answers: operation }, { do: "repeat" }),
  /** Carries an id that was never sent. @param correlation where the reply carries it */
  wrongReplyId: (operation: string, correlation: Pointer) =>
    onMessage(
      `wrong-reply-id/${operation}`,
      `The reply to \`${operation}\` carries another id.`,
      { answers: operation },
      { do: "set", pointer: correlation, value: "never-sent" },
    ),
  /** @param correlation where the reply carries it */
  dropsReplyId: (operation: string, correlation: Pointer) =>
    onMessage(
      `drops-reply-id/${operation}`,
      `The reply to \`${operation}\` carries no id.`,
      { answers: operation },
      { do: "remove", pointer: correlation },
    ),
  /** The reply comes after the next message of the server. */
  repliesOutOfOrder: (operation: string) =>
    onMessage(
      `replies-out-of-order/${operation}`,
      `The reply to \`${operation}\` is overtaken.`,
      { answers: operation, everyNth: 2 },
      { do: "swap-with-next" },
    ),
  /** The success carries another field value of the same type. */
  altersReply: (operation: string, pointer: Pointer) =>
    onMessage(
      `alters-reply/${operation}${pointer}`,
      `The reply to \`${operation}\` has another value at ${pointer}.`,
      { answers: operation, outcome: "success" },
      { do: "alter", pointer },
    ),
  /** A success is turned into this error, though the request took effect. */
  answersWith: (operation: string, errorCode: string) =>
    onMessage(
      `answers-with/${operation}/${errorCode}`,
      `\`${operation}\` is answered with ${errorCode} though it succeeded.`,
      { answers: operation, outcome: "success" },
      { do: "refuse", errorCode },
    ),
  /** Refused with this error, and nothing happens, though all requirements hold. */
  refuses: (operation: string, message: string, errorCode: string, which: Which = {}) =>
    onMessage(
      `refuses/${operation}/${errorCode}`,
      `\`${operation}\` is refused with ${errorCode} without a reason.`,
      { message, ...which },
      { do: "refuse", errorCode },
    ),
  /** Where the contract wants this error, a success comes. */
  acceptsRefused: (operation: string, errorCode: string) =>
    onMessage(
      `accepts-refused/${operation}/${errorCode}`,
      `\`${operation}\` succeeds where ${errorCode} was due.`,
      { answers: operation, errorCode },
      { do: "accept" },
    ),
  /** The operation succeeds in words and does nothing. */
  pretends: (operation: string, message: string, which: Which = {}) =>
    onMessage(
      `pretends/${operation}`,
      `\`${operation}\` is answered with success but does nothing.`,
      { message, ...which },
      { do: "accept" },
    ),
  /** @param codeAt where the error reply carries its code */
  changesErrorCode: (from: string, to: string, codeAt: Pointer) =>
    onMessage(
      `changes-error-code/${from}/${to}`,
      `${to} comes where ${from} was due.`,
      { errorCode: from },
      { do: "set", pointer: codeAt, value: to },
    ),
  /** Error replies with this code are altered at the pointer. */
  altersError: (errorCode: string, pointer: Pointer) =>
    onMessage(
      `alters-error/${errorCode}${pointer}`,
      `The error ${errorCode} has another value at ${pointer}.`,
      { errorCode },
      { do: "alter", pointer },
    ),
  addsToError: (errorCode: string, pointer: Pointer, by: number) =>
    onMessage(
      `adds-to-error/${errorCode}${pointer}/${by}`,
      `The error ${errorCode} is off by ${by} at ${pointer}.`,
      { errorCode },
      { do: "add", pointer, by },
    ),
  removesFromError: (errorCode: string, pointer: Pointer) =>
    onMessage(
      `removes-from-error/${errorCode}${pointer}`,
      `The error ${errorCode} lacks ${pointer}.`,
      { errorCode },
      { do: "remove", pointer },
    ),
  swallowsError: (errorCode: string) =>
    onMessage(`swallows-error/${errorCode}`, `The error ${errorCode} is never sent.`, { errorCode }, { do: "drop" }),

  // --- effects ---
  /** Also goes to the oldest connection that never had to do with the stream's key (or, without a key, to any other). */
  deliversToStranger: (message: string) =>
    onMessage(
      `delivers-to-stranger/${message}`,
      `\`${message}\` also goes to a connection that it is not for.`,
      { message },
      { do: "copy-to", whom: "stranger" },
    ),
  /** Also goes to the connection whose unique attribute it carries. */
  deliversToSender: (message: string) =>
    onMessage(
      `delivers-to-sender/${message}`,
      `\`${message}\` also goes to the one who caused it.`,
      { message },
      { do: "copy-to", whom: "sender" },
    ),
  /** Does not go to the connection whose unique attribute it carries. */
  skipsSender: (message: string) =>
    onMessage(
      `skips-sender/${message}`,
      `\`${message}\` does not go to the one who caused it.`,
      { message },
      { do: "hide-from-sender" },
    ),
  /** Also goes to those for whom `operation` (that takes them out) succeeded for the same key. */
  keepsDelivering: (operation: string, message: string) =>
    onMessage(
      `keeps-delivering/${operation}/${message}`,
      `\`${message}\` still comes after \`${operation}\`.`,
      { message },
      { do: "copy-to", whom: "former", operation },
    ),
  /** What the operation delivers is delivered though it was refused. */
  deliversRefused: (operation: string, errorCode: string) =>
    onMessage(
      `delivers-refused/${operation}/${errorCode}`,
      `\`${operation}\` is refused with ${errorCode} and delivered all the same.`,
      { answers: operation, errorCode },
      { do: "deliver", operation },
    ),
  /** A repetition that changes nothing is announced again. */
  announcesUnchanged: (operation: string) =>
    onMessage(
      `announces-unchanged/${operation}`,
      `\`${operation}\` announces what did not change.`,
      { answers: operation, outcome: "success" },
      { do: "deliver", operation, onlyRepeated: true },
    ),
  /** A client that goes is kept on: the server does not see it end. */
  keepsGhosts: () => fault("keeps-ghosts", "A connection that ended is kept on as if it were open.", { on: "end" }),
  /** Of what a replay sends again, the first is missing. */
  replaysWithGap: (operation: string) =>
    fault(`replays-with-gap/${operation}`, `What \`${operation}\` replays lacks its first message.`, {
      on: "replay",
      operation,
      act: "drop-first",
    }),
  /** The replay is sent twice. */
  replaysTwice: (operation: string) =>
    fault(`replays-twice/${operation}`, `What \`${operation}\` replays begins with a message that comes twice.`, {
      on: "replay",
      operation,
      act: "repeat-first",
    }),

  // --- close ---
  /** @param from undefined: each code @param to undefined: a close frame without a code */
  changesCloseCode: (from: number | undefined, to: number | undefined) =>
    onClose(
      `changes-close-code/${from === undefined ? "any" : from}/${codeText(to)}`,
      `Closes with ${codeText(to)} in place of ${from ?? "any code"}.`,
      from,
      { do: "change", code: to },
    ),
  /** The connection stays open and silent. */
  neverCloses: (code: number) => onClose(`never-closes/${code}`, `Never closes with ${code}.`, code, { do: "drop" }),
  /** TCP ends without a close frame. */
  cutsInsteadOfClosing: (code: number) =>
    onClose(`cuts-instead-of-closing/${code}`, `TCP ends without the close frame of ${code}.`, code, { do: "cut" }),
  closesLate: (code: number, ms: number) =>
    onClose(`closes-late/${code}/${ms}`, `Closes with ${code} ${ms} ms late.`, code, { do: "hold", ms }),
  changesCloseReason: (code: number | undefined, reason: string) =>
    onClose(`changes-close-reason/${code ?? "any"}`, `Closes with the reason ${json(reason)}.`, code, { do: "reason", reason }),
  /** Closes in place of the error reply. */
  closesInstead: (errorCode: string, code: number | undefined) =>
    onMessage(
      `closes-instead/${errorCode}/${codeText(code)}`,
      `Closes where the error ${errorCode} was due.`,
      { errorCode },
      { do: "close", code },
    ),
  /** Closes right after the error reply. */
  closesAfterError: (errorCode: string, code: number | undefined) =>
    onMessage(
      `closes-after-error/${errorCode}/${codeText(code)}`,
      `Closes after the error ${errorCode}.`,
      { errorCode },
      { do: "close", code, after: true },
    ),
  /** The client's close frame is never answered. */
  ignoresClose: () => onControl("ignores-close", "Does not answer the client's close frame.", "client-close", { do: "drop" }),

  // --- malformed frames ---
  /** Takes them as if they were good. */
  acceptsInvalid: (malformed: NonNullable<Match["malformed"]> = "any", message?: string) =>
    onMessage(
      `accepts-invalid/${malformed}${message === undefined ? "" : `/${message}`}`,
      "A malformed frame is taken as a good one.",
      { malformed, ...(message === undefined ? {} : { message }) },
      { do: "repair" },
    ),
  /** Neither error nor effect. */
  ignoresInvalid: (malformed: NonNullable<Match["malformed"]> = "any") =>
    onMessage(`ignores-invalid/${malformed}`, "A malformed frame is ignored.", { malformed }, { do: "drop" }),
  /** Closes the connection at the first malformed frame. */
  closesOnInvalid: (code: number | undefined, malformed: NonNullable<Match["malformed"]> = "any") =>
    onMessage(
      `closes-on-invalid/${malformed}/${codeText(code)}`,
      "A malformed frame ends the connection.",
      { malformed },
      { do: "close", code },
    ),
  /** The client's message is never seen. */
  ignoresFrame: (message: string, which: Which = {}) =>
    onMessage(`ignores-frame/${message}`, `\`${message}\` is ignored.`, { message, ...which }, { do: "drop" }),

  // --- heartbeat ---
  neverPings: () => onControl("never-pings", "Never sends a WebSocket ping.", "server-ping", { do: "drop" }),
  /** The client's WebSocket ping gets no pong. */
  ignoresPing: () => onControl("ignores-ping", "Does not answer a WebSocket ping.", "server-pong", { do: "drop" }),
  pongsOther: () =>
    onControl("pongs-other", "Answers a WebSocket ping with another payload.", "server-pong", {
      do: "payload",
      payload: "other",
    }),
  pongsTwice: () => onControl("pongs-twice", "Answers a WebSocket ping twice.", "server-pong", { do: "repeat" }),

  // --- handshake ---
  /** @param to 101 cannot be made of a refusal: see acceptsHandshake */
  changesStatus: (from: number, to: number) =>
    onResponse(`changes-status/${from}/${to}`, `Answers ${to} where ${from} was due.`, from, { do: "status", to }),
  /** @param status of the answers it is taken from; default 101 */
  dropsHeader: (name: string, status: number | undefined = 101) =>
    onResponse(`drops-header/${status ?? "any"}/${name.toLowerCase()}`, `The answer ${status ?? ""} lacks ${name}.`, status, {
      do: "header",
      name,
      value: undefined,
    }),
  addsHeader: (name: string, value: string, status: number | undefined = 101) =>
    onResponse(
      `adds-header/${status ?? "any"}/${name.toLowerCase()}`,
      `The answer ${status ?? ""} has ${name}: ${value}.`,
      status,
      { do: "header", name, value },
    ),
  /** @param value default one that nobody offered */
  echoesWrongSubprotocol: (value = "never-offered") =>
    onResponse(`echoes-wrong-subprotocol/${value}`, `Chooses the subprotocol ${value}.`, 101, {
      do: "header",
      name: "Sec-WebSocket-Protocol",
      value,
    }),
  echoesNoSubprotocol: () =>
    onResponse("echoes-no-subprotocol", "Chooses no subprotocol.", 101, {
      do: "header",
      name: "Sec-WebSocket-Protocol",
      value: undefined,
    }),
  repeatsRequest: () =>
    onResponse("repeats-request", "Repeats the client's request, with its credential, in a header of the answer.", 101, {
      do: "repeat-request",
    }),
  /** The upgrade fails: TCP ends in place of the answer. */
  dropsHandshake: (status: number | undefined) =>
    onResponse(`drops-handshake/${status ?? "any"}`, "TCP ends in place of the answer to the handshake.", status, { do: "cut" }),
  /** Accepts what this refusal is for. For credentials: a good one is put in the place of the bad one. */
  acceptsHandshake: (when: Refusal["when"], claim?: string) =>
    onRequest(
      `accepts-handshake/${when}${claim === undefined ? "" : `/${claim}`}`,
      `Accepts a handshake that \`${when}\` refuses.`,
      { do: "mend", when, ...(claim === undefined ? {} : { claim }) },
    ),
  /** The same for `credential-missing`, `credential-invalid`, `credential-expired` and `claim`. */
  acceptsCredential: (when: Refusal["when"], claim?: string): Fault => faults.acceptsHandshake(when, claim),
  /** Does not look for a credential there. @param carrier its place in the contract's list, from 0 */
  ignoresCarrier: (carrier: number) =>
    onRequest(`ignores-carrier/${carrier}`, `Does not look for the credential in carrier ${carrier}.`, {
      do: "drop-carrier",
      carrier,
    }),
  /** Looks there last, though the contract puts it first. */
  prefersOtherCarrier: (carrier: number) =>
    onRequest(`prefers-other-carrier/${carrier}`, `Another carrier wins over carrier ${carrier}.`, {
      do: "drop-carrier",
      carrier,
      contested: true,
    }),
  /** The first message comes only after the second, or 1 s late. @param first the handshake's first message */
  firstMessageLate: (first: string) =>
    onMessage(
      `first-message-late/${first}`,
      `\`${first}\` is not the first message.`,
      { message: first },
      { do: "swap-with-next" },
    ),

  // --- frames (RFC 6455) ---
  /** Takes no notice of what the standard has it fail for. */
  tolerates: (defect: FrameDefect) =>
    onFrame(`tolerates/${defect}`, `Takes no notice of a client frame that is ${defect}.`, { do: "tolerate", defect }),
  sendsFrames: (as: Extract<OnFrame["act"], { do: "send" }>["as"]) =>
    onFrame(`sends-frames/${as}`, `Sends its frames ${as}.`, { do: "send", as }),

  // --- what only the server itself can do ---
  /** @param name a switch of the test server: `node dist/reference/test-server.js --help` lists them */
  server: (name: string, argument?: string | number, breaks = `The server's switch ${name} is on.`): Fault => ({
    id: `server/${name}${argument === undefined ? "" : `/${argument}`}`,
    breaks,
    how: { by: "server", switch: name, ...(argument === undefined ? {} : { argument }) },
  }),
};

function onFrame(id: string, breaks: string, act: OnFrame["act"]): Fault {
  return fault(id, breaks, { on: "frame", act });
}
