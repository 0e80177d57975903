// Why a document mutant survives. Each reason is general: it holds for every mutant of its kind, in any document. Pure.
import type { Contract } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { delicateTexts } from "../schema/boundaries.ts";
import type { DocumentMutant } from "./document-mutant.ts";
import { promisesOf } from "./promises.ts";

type Change = Pick<DocumentMutant, "kind" | "pointer">;

export interface SurvivalReason {
  readonly text: string;
  /** @param contract of the unchanged document */
  holds(contract: Contract, change: Change): boolean;
}

/** Close codes that RFC 6455 itself asks for. */
const standardCodes = [1000, 1002, 1003];

export const survivalReasons: readonly SurvivalReason[] = [
  {
    text: "without the effect nothing says that a member of the request is a position, so no rule asks for a replay",
    holds: (contract, { kind, pointer }) =>
      kind === "effect-removed" && operations(contract, pointer).some(({ effects }) => at(effects, pointer)?.kind === "replay"),
  },
  {
    text: "without the effect nothing says that a header is a key, so no rule sends it",
    holds: (contract, { kind, pointer }) =>
      kind === "effect-removed" &&
      operations(contract, pointer).some(({ effects }) => {
        const effect = at(effects, pointer);
        return effect?.kind === "once" && effect.key.kind === "header";
      }),
  },
  {
    text: "no rule looks for deliveries of an HTTP request that its effects do not declare",
    holds: (contract, { kind, pointer }) =>
      (kind === "effect-removed" || kind === "audience-narrowed") &&
      operations(contract, pointer).some(
        ({ effects, channel }) =>
          at(effects, pointer)?.kind === "deliver" && contract.channels.find(({ id }) => id === channel)?.kind === "http",
      ),
  },
  {
    text: "the limit itself declares its number and what happens beyond it, so the document promises the same without the requirement",
    holds: (contract, { kind, pointer }) =>
      kind === "requirement-removed" &&
      operations(contract, pointer).some(({ requires }) => at(requires, pointer)?.kind === "limit"),
  },
  {
    text: "the operation has no reply, so its rate limit error cannot be told from that of another request",
    holds: (contract, { kind, pointer }) =>
      kind === "requirement-else-altered" &&
      operations(contract, pointer).some(({ requires, reply }) => reply === undefined && at(requires, pointer)?.kind === "rate"),
  },
  {
    text: "RFC 6455 asks for this code, whatever the document declares",
    holds: (contract, { kind, pointer }) =>
      kind === "close-code-altered" && standardCodes.includes(closeCode(contract, pointer)?.code ?? 0),
  },
  {
    text: "no limit, refusal or error of the document names this code, so no client can cause it",
    holds(contract, { kind, pointer }) {
      const closing = closeCode(contract, pointer);
      if (kind !== "close-code-altered" || closing === undefined || closing.code < 1011 || closing.reconnect === "spread")
        return false;
      return promisesOf(contract).find((promise) => promise.pointer === pointer)?.alsoAt.length === 0;
    },
  },
  {
    text: "only a failure inside the server causes this error",
    holds(contract, { pointer }) {
      const [, definition = "", rest = ""] = /^#\/definitions\/([^/]+)(\/.*)$/.exec(pointer) ?? [];
      const named = lookup(contract.definitions.get(definition), rest);
      const code = contract.errors?.codes.find((one) => one.pointer === pointer || one.code === named);
      return code?.when === "unavailable" || code?.when === "internal";
    },
  },
  {
    text: "when and how many bytes are queued inside the server cannot be observed from outside",
    holds(contract, { kind, pointer }) {
      const limit = contract.channels.flatMap(({ limits }) => limits).find((one) => one.pointer === pointer);
      return limit?.kind === "queued-bytes" && (kind !== "close-altered" || limit.forMs > 0);
    },
  },
  {
    text: "RFC 8259 section 8.2 leaves lone surrogates undefined, and the pattern excludes nothing else that a rule sends",
    holds(contract, { kind, pointer }) {
      const [, definition = "", rest = ""] = /^#\/definitions\/([^/]+)(\/.*)$/.exec(pointer) ?? [];
      const pattern = lookup(contract.definitions.get(definition), rest);
      if (kind !== "pattern-removed" || typeof pattern !== "string") return false;
      return delicateTexts.every((text) => new RegExp(pattern, "u").test(text));
    },
  },
];

/** The first reason that holds; undefined: there is none, so a rule is missing. */
export function survivalReasonFor(contract: Contract, change: Change): SurvivalReason | undefined {
  return survivalReasons.find((reason) => reason.holds(contract, change));
}

function operations(contract: Contract, pointer: string): Contract["operations"] {
  return contract.operations.filter((one) => pointer.startsWith(`${one.pointer}/`));
}

function at<T extends { readonly pointer: string }>(all: readonly T[], pointer: string): T | undefined {
  return all.find((one) => one.pointer === pointer);
}

function closeCode(contract: Contract, pointer: string) {
  return contract.channels.flatMap(({ closeCodes }) => closeCodes).find((one) => one.pointer === pointer);
}
