// Why a promise has no rule. Each reason is general: it holds for every promise of its kind, in any document. Pure.
import type { Contract } from "../../spec/contract.ts";
import type { DocumentPromise } from "./promises.ts";

/** undefined: there is none, so a rule is missing. */
export function uncoveredReasonFor(contract: Contract, { kind, pointer, alsoAt }: DocumentPromise): string | undefined {
  const channels = contract.channels;
  const closing = channels.flatMap(({ closeCodes }) => closeCodes).find((one) => one.pointer === pointer);
  if (closing !== undefined && closing.code < 1011) return "RFC 6455 defines its cause, and the rules for its clauses check it";
  if (kind === "close code" && alsoAt.length === 0) {
    return "no limit, refusal or error of the document names this code, so no client can cause it";
  }
  if (kind === "error code") {
    const when = contract.errors?.codes.find((one) => one.pointer === pointer)?.when;
    if (when === "unavailable" || when === "internal") return "only a failure inside the server causes it";
  }
  const limit = channels.flatMap(({ limits }) => limits).find((one) => one.pointer === pointer);
  if (limit?.kind === "queued-bytes" && limit.forMs > 0)
    return "when bytes are queued inside the server cannot be observed from outside";
  const streams = channels.flatMap(({ delivery }) => delivery?.streams ?? []);
  if (streams.find((one) => one.pointer === pointer)?.guarantee === "best-effort")
    return "best effort: it may lose, merge and reorder";
  const effect = contract.operations.flatMap(({ effects }) => effects).find((one) => one.pointer === pointer);
  const stream = effect?.kind === "deliver" ? streams.find(({ messages }) => messages.includes(effect.message)) : undefined;
  if (stream?.guarantee === "best-effort") return "best effort: it may lose, merge and reorder";
  const silent = contract.operations.find(
    (one) => one.reply === undefined && one.requires.some((each) => each.pointer === pointer),
  );
  if (silent !== undefined) return "the operation has no reply, so a refusal cannot be tied to its request";
  const onlyIn = streams.filter(({ messages }) => messages.some((name) => pointer.endsWith(`/messages/${name}`)));
  if (onlyIn.length > 0 && onlyIn.every(({ guarantee }) => guarantee === "best-effort"))
    return "best effort: it may never arrive; if it does, its schema is checked";
  return undefined;
}
