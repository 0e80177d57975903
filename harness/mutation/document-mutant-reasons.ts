// Why an altered document goes unnoticed. Each reason is general: it holds for every alteration of its kind, in any document. Pure.
import type { Contract } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { delicateTexts } from "../schema/boundaries.ts";
import type { Mutant } from "./document-mutant.ts";
import { promisesOf } from "./promises.ts";

type Altered = Pick<Mutant, "kind" | "pointer">;

export interface MutantReason {
  readonly says: string;
  /** @param contract the document as it was */
  holds(contract: Contract, altered: Altered): boolean;
}

/** Codes that the clauses of RFC 6455 ask for by themselves, each alone for some breach. */
const standardCodes = [1000, 1002, 1003];

export const mutantReasons: readonly MutantReason[] = [
  {
    says: "without the effect nothing says that a member of the request is a position, so that no rule asks for a replay",
    holds: (contract, { kind, pointer }) =>
      kind === "effect-removed" && operations(contract, pointer).some(({ effects }) => at(effects, pointer)?.kind === "replay"),
  },
  {
    says: "without the effect nothing says that a header is a key, and no rule sends a header that nothing asks for",
    holds: (contract, { kind, pointer }) =>
      kind === "effect-removed" &&
      operations(contract, pointer).some(({ effects }) => {
        const effect = at(effects, pointer);
        return effect?.kind === "once" && effect.key.kind === "header";
      }),
  },
  {
    says: "no rule watches for what a request over HTTP brings about beside what its effects say",
    holds: (contract, { kind, pointer }) =>
      (kind === "effect-removed" || kind === "audience-narrowed") &&
      operations(contract, pointer).some(
        ({ effects, channel }) =>
          at(effects, pointer)?.kind === "deliver" && contract.channels.find(({ id }) => id === channel)?.kind === "http",
      ),
  },
  {
    says: "the limit says its number and what happens beyond it by itself, so that the document promises the same without the requirement",
    holds: (contract, { kind, pointer }) =>
      kind === "requirement-removed" &&
      operations(contract, pointer).some(({ requires }) => at(requires, pointer)?.kind === "limit"),
  },
  {
    says: "the operation has no reply, so that a refusal for its rate cannot be told from that of another request",
    holds: (contract, { kind, pointer }) =>
      kind === "requirement-else-altered" &&
      operations(contract, pointer).some(({ requires, reply }) => reply === undefined && at(requires, pointer)?.kind === "rate"),
  },
  {
    says: "the clauses of RFC 6455 ask for this code, whatever the document declares",
    holds: (contract, { kind, pointer }) =>
      kind === "close-code-altered" && standardCodes.includes(closeCode(contract, pointer)?.code ?? 0),
  },
  {
    says: "no limit, refusal or error of the document names this code, so nothing that a client does brings it about",
    holds(contract, { kind, pointer }) {
      const closing = closeCode(contract, pointer);
      if (kind !== "close-code-altered" || closing === undefined || closing.code < 1011 || closing.reconnect === "spread")
        return false;
      return promisesOf(contract).find((promise) => promise.pointer === pointer)?.alsoAt.length === 0;
    },
  },
  {
    says: "only a failure within the server brings the error about, which a client cannot cause",
    holds(contract, { pointer }) {
      const [, definition = "", rest = ""] = /^#\/definitions\/([^/]+)(\/.*)$/.exec(pointer) ?? [];
      const named = lookup(contract.definitions.get(definition), rest);
      const code = contract.errors?.codes.find((one) => one.pointer === pointer || one.code === named);
      return code?.when === "unavailable" || code?.when === "internal";
    },
  },
  {
    says: "when and how many bytes wait within the server cannot be seen from outside",
    holds(contract, { kind, pointer }) {
      const limit = contract.channels.flatMap(({ limits }) => limits).find((one) => one.pointer === pointer);
      return limit?.kind === "queued-bytes" && (kind !== "close-altered" || limit.forMs > 0);
    },
  },
  {
    says: "RFC 8259 section 8.2 leaves open what a lone surrogate is, and the pattern keeps out nothing else that a rule sends",
    holds(contract, { kind, pointer }) {
      const [, definition = "", rest = ""] = /^#\/definitions\/([^/]+)(\/.*)$/.exec(pointer) ?? [];
      const pattern = lookup(contract.definitions.get(definition), rest);
      if (kind !== "pattern-removed" || typeof pattern !== "string") return false;
      return delicateTexts.every((text) => new RegExp(pattern, "u").test(text));
    },
  },
];

/** The first reason that holds; undefined: there is none, so that a rule is missing. */
export function mutantReasonFor(contract: Contract, altered: Altered): MutantReason | undefined {
  return mutantReasons.find((reason) => reason.holds(contract, altered));
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
