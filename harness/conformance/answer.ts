// How the target answers one frame: with an error, a close, a reply, or nothing. The fence closes the question.

import type { ErrorCode, ErrorValue } from "../../spec/contract.ts";
import type { Received, SentRequest } from "../client/received.ts";
import type { TestClient } from "../client/test-client.ts";
import { opcode } from "../client/wire/frame.ts";
import { Violation } from "../schema/errors.ts";
import type { Context } from "./context.ts";

export type Answer = {
  /** All that came until the fence, in order. */
  readonly came: readonly Received[];
} & (
  | { readonly kind: "refused"; readonly code: ErrorValue; readonly reply: Received }
  | { readonly kind: "closed"; readonly code: number }
  | { readonly kind: "succeeded"; readonly reply: Received }
  /** A reply that the document does not declare for this request. */
  | { readonly kind: "undeclared"; readonly reply: Received }
  | { readonly kind: "nothing" }
);

/** Texts longer than this are sent as raw frames: the history keeps their beginning only. */
const shownCharacters = 4_000;

/** Sends a text, valid or not, and waits for what comes of it. What came before is thrown away. */
export async function answerTo(context: Context, client: TestClient, text: string): Promise<Answer> {
  client.takeAll();
  const isLong = text.length > shownCharacters;
  const request = isLong ? undefined : client.sendText(text);
  if (isLong) client.sendRaw({ opcode: opcode.text, payload: text });
  return answerOf(context, client, request);
}

/** Waits for what comes of the frame that was sent last. @param request what the frame is, where it carries an id */
export async function answerOf(context: Context, client: TestClient, request?: SentRequest): Promise<Answer> {
  const came: Received[] = [];
  try {
    // A promised reply has the whole deadline; only what is not promised is decided by a fence or a silence.
    const isPromised = request?.operation?.reply !== undefined && request.operation.replyWhen === "always";
    if (isPromised) came.push(...(await replyIn(client, request)));
    await client.fence();
  } catch (error) {
    if (!(error instanceof Violation) || client.closed === undefined) throw error;
  }
  came.push(...client.takeAll());
  const mine = came.filter((received) => received.request === undefined || received.request === request);
  const refused = mine.find((received) => context.errorCode(received) !== undefined);
  if (refused !== undefined) return { kind: "refused", code: context.errorCode(refused)!, reply: refused, came };
  if (client.closed !== undefined) return { kind: "closed", code: client.closed.code, came };
  const declared = request?.operation?.reply ?? repliesOf(context);
  const reply = mine.find(({ name }) => name !== undefined && declared.includes(name));
  if (reply !== undefined) return { kind: "succeeded", reply, came };
  const undeclared = request === undefined ? undefined : mine.find((received) => received.request === request);
  return undeclared === undefined ? { kind: "nothing", came } : { kind: "undeclared", reply: undeclared, came };
}

/** The reply to the request, with what came before it, or nothing where the deadline passes. */
async function replyIn(client: TestClient, request: SentRequest): Promise<readonly Received[]> {
  try {
    return [await client.receive(Object.assign((one: Received) => one.request === request, { describes: "the reply" }))];
  } catch (error) {
    if (error instanceof Violation && client.closed === undefined) return [];
    throw error;
  }
}

function repliesOf({ contract, channel }: Context): readonly string[] {
  return contract.operations.flatMap(({ action, channel: id, reply }) =>
    action === "receive" && id === channel.id ? (reply ?? []) : [],
  );
}

export function describeAnswer(answer: Answer): string {
  switch (answer.kind) {
    case "refused":
      return `the error ${answer.code}: ${shortened(answer.reply.text)}`;
    case "closed":
      return `close ${answer.code}`;
    case "succeeded":
      return `the reply ${shortened(answer.reply.text)}`;
    case "undeclared":
      return `a reply that the document does not declare for it: ${shortened(answer.reply.text)}`;
    case "nothing":
      return "no error, no reply and no close";
  }
}

/** Expects one of these errors, or the close that the document declares for it. @param frame what was sent, for the message */
export function expectRefused(answer: Answer, codes: readonly ErrorCode[], frame: string): void {
  const isDeclared =
    answer.kind === "refused"
      ? codes.some(({ code }) => code === answer.code)
      : answer.kind === "closed" && codes.some(({ close }) => close === answer.code);
  if (isDeclared) return;
  const wanted = codes.map(({ code, close }) =>
    close === undefined ? `the error ${code}` : `the error ${code} or close ${close}`,
  );
  throw new Violation(`${wanted.join(" or ")} for ${frame}`, describeAnswer(answer));
}

/** Text for a person, cut. */
export function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text;
}
