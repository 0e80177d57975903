// Why a promise has no rule. Each reason is general: it holds for every promise of its kind, in any document. Pure.
import type { Contract } from "../../spec/contract.ts";
import type { DocumentPromise } from "./promises.ts";

/** undefined: there is none, so that a rule is missing. */
export function reasonFor(contract: Contract, { kind, pointer, alsoAt }: DocumentPromise): string | undefined {
  if (kind === "close code" && alsoAt.length === 0) {
    return "no limit, refusal or error of the document names this code, so nothing that a client does brings it about";
  }
  if (kind === "error code") {
    const when = contract.errors?.codes.find((one) => one.pointer === pointer)?.when;
    if (when === "unavailable" || when === "internal")
      return "only a failure within the server brings it about, which a client cannot cause";
  }
  const http = contract.channels.filter((channel) => channel.kind === "http");
  const operation = contract.operations.find((one) => pointer.startsWith(`${one.pointer}/`));
  const isHttp = http.some(
    (channel) => channel.id === operation?.channel || channel.messages.some((name) => pointer.endsWith(`/${name}`)),
  );
  if (isHttp) return "of a channel over HTTP, and the harness judges WebSocket channels";
  return undefined;
}
