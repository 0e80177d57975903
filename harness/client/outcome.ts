// Whether a reply is the success that the contract declares, a violation, or a refusal that the contract leaves open.
import type { ErrorValue, Operation } from "../../spec/contract.ts";
import { frameErrors, mayCloseUnforeseen, saysNothing } from "../model/protocol.ts";
import { NotTestable, Violation } from "../schema/errors.ts";
import type { ClientContext } from "./context.ts";
import { shownText } from "./format.ts";
import type { Received } from "./received.ts";
import type { TestClient } from "./test-client.ts";

/**
 * Whether the document allows this error for reasons that nobody outside can see: by a requirement `may`, or because it says nothing of
 * when the operation succeeds, but declares the error.
 */
export function mayRefuse(context: ClientContext, operation: Operation, code: ErrorValue): boolean {
  if (operation.requires.some((one) => one.kind === "may" && one.codes.includes(code))) return true;
  const declared = context.contract.errors?.codes.find((one) => one.code === code);
  return saysNothing(operation) && declared !== undefined && !frameErrors.has(declared.when);
}

/**
 * Expects the reply to be the success of the operation.
 * @param when said of the success, such as `still`
 * @throws Violation where it is an error or another message, NotTestable where the document allows the error
 */
export function expectSuccess(context: ClientContext, operation: Operation, reply: Received, when = ""): void {
  const code = context.errorCode(reply);
  const expected = `the operation ${operation.id} to succeed${when === "" ? "" : ` ${when}`}`;
  if (code !== undefined) {
    if (!mayRefuse(context, operation, code)) throw new Violation(expected, `the error ${code}: ${shownText(reply.text)}`);
    throw new NotTestable(`the server refuses ${operation.id} with ${code}, and the document leaves open when it does`);
  }
  const declared = operation.effects.flatMap((effect) => (effect.kind === "reply" ? [effect.message] : []));
  const replies = declared.length > 0 ? declared : (operation.reply ?? []);
  if (replies.length === 0 || (reply.name !== undefined && replies.includes(reply.name))) return;
  throw new Violation(
    `${expected} with ${replies.join(" or ")}`,
    `${reply.name ?? "an undeclared message"}: ${shownText(reply.text)}`,
  );
}

/**
 * Sends a request that must succeed, and waits for its reply.
 * @throws Violation where it does not succeed, NotTestable where the document allows the error or the close
 */
export async function requestSuccess(
  context: ClientContext,
  client: TestClient,
  operation: Operation,
  message: unknown,
): Promise<Received> {
  const reply = await client.request(message).catch((error: unknown) => {
    if (error instanceof Violation && client.closed !== undefined && mayCloseUnforeseen(context, operation, client.closed.code))
      throw new NotTestable(
        `the server closes with ${client.closed.code} after ${operation.id}, and the document leaves open when`,
      );
    throw error;
  });
  expectSuccess(context, operation, reply);
  return reply;
}
