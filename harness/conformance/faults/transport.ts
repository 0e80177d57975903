// Below the messages: heartbeat, handshake and frames.
import type { Refusal } from "../../../spec/contract.ts";
import { fault, onControl, onFrame, onMessage, onRequest, onResponse } from "./make.ts";
import type { DeathCause, Fault, FrameDefect, OnFrame } from "./plan.ts";

export const transportFaults = {
  neverPings: () => onControl("never-pings", "Never sends a WebSocket ping.", "server-ping", { do: "drop" }),
  /** The client's WebSocket ping gets no pong. */
  ignoresPing: () => onControl("ignores-ping", "Does not answer a WebSocket ping.", "server-pong", { do: "drop" }),
  pongsOther: () =>
    onControl("pongs-other", "Answers a WebSocket ping with another payload.", "server-pong", {
      do: "payload",
      payload: "other",
    }),
  pongsTwice: () => onControl("pongs-twice", "Answers a WebSocket ping twice.", "server-pong", { do: "repeat" }),
  /** @param to 101 cannot be made of a refusal: see acceptsHandshake */
  changesStatus: (from: number, to: number) =>
    onResponse(`changes-status/${from}/${to}`, `Answers ${to} where ${from} was due.`, from, { do: "status", to }),
  /** @param status of the answers whose body it is @param text ASCII */
  changesBody: (status: number, text: string) =>
    onResponse(`changes-body/${status}/${text}`, `The answer ${status} has the body ${text}.`, status, { do: "body", text }),
  /** @param status of the answers it is taken from; default 101 */
  dropsHeader: (name: string, status: number | undefined = 101) =>
    onResponse(`drops-header/${status ?? "any"}/${name.toLowerCase()}`, `The answer ${status ?? ""} lacks ${name}.`, status, {
      do: "header",
      name,
      value: undefined,
    }),
  addsHeader: (name: string, value: string, status: number | undefined = 101) =>
    onResponse(
      `adds-header/${status ?? "any"}/${name.toLowerCase()}=${value}`,
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
  /** Does not look at this header of a request. */
  dropsRequestHeader: (name: string) =>
    onRequest(`drops-request-header/${name.toLowerCase()}`, `Takes no notice of the header ${name} of a request.`, {
      do: "set-header",
      name,
      value: undefined,
    }),
  /** Takes this header of every request for one and the same. */
  setsRequestHeader: (name: string, value: string) =>
    onRequest(`sets-request-header/${name.toLowerCase()}`, `Reads ${name}: ${value} in every request.`, {
      do: "set-header",
      name,
      value,
    }),
  /** The upgrade fails: TCP ends in place of the answer. */
  dropsHandshake: (status: number | undefined) =>
    onResponse(`drops-handshake/${status ?? "any"}`, "TCP ends in place of the answer to the handshake.", status, { do: "cut" }),
  /** Accepts what this refusal is for. For credentials: a good one is put in the place of the bad one. */
  acceptsHandshake: (when: Refusal["when"], claim?: string) =>
    onRequest(
      `accepts-handshake/${when}${claim === undefined ? "" : `/${claim}`}`,
      `Accepts a handshake that \`${when}\` refuses.`,
      { do: "fix", when, ...(claim === undefined ? {} : { claim }) },
    ),
  /** The same for `credential-missing`, `credential-invalid`, `credential-expired` and `claim`. */
  acceptsCredential: (when: Refusal["when"], claim?: string): Fault => transportFaults.acceptsHandshake(when, claim),
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
  /** Takes no notice of what the standard has it fail for. */
  tolerates: (defect: FrameDefect) =>
    onFrame(`tolerates/${defect}`, `Takes no notice of a client frame that is ${defect}.`, { do: "tolerate", defect }),
  /** One client is enough to end the process. */
  dies: (cause: DeathCause) => fault(`dies/${cause}`, `Its process ends: ${cause}.`, { on: "death", cause }),
  sendsFrames: (as: Extract<OnFrame["act"], { do: "send" }>["as"]) =>
    onFrame(`sends-frames/${as}`, `Sends its frames ${as}.`, { do: "send", as }),
};
