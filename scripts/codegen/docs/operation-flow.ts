// What an operation causes, as steps between parties. The Markdown's diagrams and the page's drawings show the same.
import type { Audience, Contract, Effect, ErrorValue, Operation } from "../../../spec/contract.ts";
import { effectWords } from "./wording.ts";

export interface Flow {
  /** The client, the server, then whoever else receives something. */
  readonly parties: readonly string[];
  readonly request: { readonly from: Party; readonly to: Party; readonly messages: readonly string[] };
  /** Undefined where nothing can be refused. */
  readonly refusal: { readonly messages: readonly string[]; readonly codes: readonly ErrorValue[] } | undefined;
  /** What happens otherwise, in order. */
  readonly steps: readonly Step[];
}

/** Index in Flow.parties. */
export type Party = number;
export const client: Party = 0;
export const server: Party = 1;

export type Step =
  | { readonly kind: "send"; readonly from: Party; readonly to: Party; readonly messages: readonly string[] }
  | { readonly kind: "close"; readonly code: number }
  /** Something that no frame shows. `words` is a sentence, `short` fits a diagram. */
  | { readonly kind: "change"; readonly words: string; readonly short: string };

/** Replies that say yes, and those that say no. */
export function repliesOf(contract: Contract, { effects, reply, requires }: Operation): { yes: string[]; no: string[] } {
  const error = contract.errors?.reply.message;
  const all = reply ?? [];
  const promised = effects.flatMap((effect) => (effect.kind === "reply" ? [effect.message] : []));
  const yes = promised.length > 0 ? [...new Set(promised)] : all.filter((name) => name !== error);
  const rest = all.filter((name) => !yes.includes(name));
  return { yes, no: rest.length > 0 || error === undefined || requires.length === 0 ? rest : [error] };
}

export function flowOf(contract: Contract, operation: Operation): Flow {
  const { yes, no } = repliesOf(contract, operation);
  const parties = ["Client", "Server"];
  const partyOf = (name: string): Party => {
    if (!parties.includes(name)) parties.push(name);
    return parties.indexOf(name);
  };
  const overHttp = contract.channels.find(({ id }) => id === operation.channel)?.kind === "http";
  const [asks, answers] = operation.action === "receive" ? [client, server] : [server, client];
  const steps: Step[] = [];
  const codes = [...new Set(operation.requires.map((requirement) => requirement.else))];
  if (!operation.effects.some(({ kind }) => kind === "reply") && yes.length > 0)
    steps.push({ kind: "send", from: answers, to: asks, messages: yes });
  for (const effect of operation.effects) {
    if (effect.kind === "reply") steps.push({ kind: "send", from: answers, to: asks, messages: [effect.message] });
    else if (effect.kind === "close") steps.push({ kind: "close", code: effect.code });
    else if (effect.kind !== "deliver") steps.push({ kind: "change", words: effectWords(effect), short: shortly(effect) });
    else {
      const messages = [effect.message];
      steps.push({ kind: "send", from: server, to: partyOf(audienceName(effect.to, overHttp)), messages });
      // One who sends over HTTP has no connection; a connection that is named is the sender only by chance.
      if (effect.sender === "included" && effect.to.kind !== "connection" && !overHttp)
        steps.push({ kind: "send", from: server, to: client, messages });
    }
  }
  return {
    parties,
    request: { from: asks, to: answers, messages: operation.messages },
    refusal: codes.length === 0 ? undefined : { messages: no, codes },
    steps,
  };
}

function audienceName(to: Audience, overHttp: boolean): string {
  switch (to.kind) {
    case "all":
      return overHttp ? "Everyone" : "Everyone else";
    case "connection":
      return "Recipient";
    case "relation": {
      const plural = to.relation.endsWith("s") ? to.relation : `${to.relation}s`;
      return overHttp ? `All ${plural}` : `Other ${plural}`;
    }
  }
}

function shortly(effect: Exclude<Effect, { kind: "reply" | "deliver" | "close" }>): string {
  switch (effect.kind) {
    case "once":
      return "once per key";
    case "add":
      return `becomes ${effect.relation}`;
    case "remove":
      return `stops being ${effect.relation}`;
    case "replay":
      return `replays ${effect.stream}`;
    case "renew":
      return "renews the credential";
  }
}
