// Mutates channels: handshake, heartbeat, limits, close codes, and the errors that they name. Pure.
import type { Contract, ErrorValue, Limit } from "../../spec/contract.ts";
import { join, lookup } from "../../spec/pointer.ts";
import type { Add, Mutable } from "./document-mutant.ts";

const neverUsedClose = 4999;

export function mutateHandshakes(contract: Contract, add: Add): void {
  contract.channels.forEach(({ handshake }, at) => {
    if (handshake === undefined) return;
    const own = (copy: Mutable<Contract>) => copy.channels[at]!.handshake!;
    handshake.refusals.forEach((refusal, place) => {
      add("refusal-altered", refusal.pointer, (copy) => {
        const { outcome } = own(copy).refusals[place]!;
        if ("http" in outcome) outcome.http += 1;
        else outcome.close = neverUsedClose;
      });
    });
    handshake.subprotocols.forEach((_, place) => {
      add("subprotocol-altered", join(handshake.pointer, "subprotocols", place), (copy) => {
        own(copy).subprotocols[place] = "never-offered";
      });
    });
    handshake.credentials?.carriers.forEach((_, place) => {
      add("carrier-altered", join(handshake.pointer, "credentials", "carriers", place), (copy) => {
        const carrier = own(copy).credentials!.carriers[place]!;
        if (carrier.in === "subprotocol") carrier.prefix = "never-read.";
        else carrier.name = "never-read";
      });
    });
    for (const [place, claim] of (handshake.credentials?.claims ?? []).entries()) {
      if (claim.required) continue;
      add("claim-required", join(handshake.pointer, "credentials", "claims", claim.name), (copy) => {
        own(copy).credentials!.claims[place]!.required = true;
      });
    }
  });
  // The one claim whose value is known and nobody's own.
  const other = contract.channels
    .flatMap(({ handshake }) => handshake?.credentials?.claims ?? [])
    .find(({ value }) => value !== undefined)?.name;
  for (const [at, { name, claim, unique }] of contract.state.attributes.entries()) {
    const pointer = `#/x-state/connection/${name}`;
    if (claim !== undefined && other !== undefined) {
      add("attribute-claim-altered", pointer, (copy) => {
        copy.state.attributes[at]!.claim = other;
      });
    }
    if (!unique && claim !== undefined) {
      add("attribute-made-unique", pointer, (copy) => {
        copy.state.attributes[at]!.unique = true;
      });
    }
  }
}

/** @param first the server's first message, which advertises the numbers in force */
export function mutateChannels(contract: Contract, first: unknown, add: Add): void {
  const inForce = (advertised: string | undefined, otherwise: number): number => {
    const value = advertised === undefined ? undefined : lookup(first, advertised);
    return typeof value === "number" ? value : otherwise;
  };
  contract.channels.forEach(({ heartbeat, limits, rateLimits, closeCodes }, at) => {
    const own = (copy: Mutable<Contract>) => copy.channels[at]!;
    if (heartbeat !== undefined) {
      const set = (intervalMs: number, timeoutMs: number) => (copy: Mutable<Contract>) =>
        void Object.assign(own(copy).heartbeat!, {
          intervalMs,
          timeoutMs,
          advertised: { intervalMs: undefined, timeoutMs: undefined },
        });
      const intervalMs = inForce(heartbeat.advertised.intervalMs, heartbeat.intervalMs);
      const timeoutMs = inForce(heartbeat.advertised.timeoutMs, heartbeat.timeoutMs);
      add("heartbeat-hastened", heartbeat.pointer, set(Math.ceil(intervalMs / 8), Math.ceil(timeoutMs / 8)));
      add("heartbeat-slackened", heartbeat.pointer, set(intervalMs, timeoutMs * 4));
      if (heartbeat.close !== undefined) {
        add("close-altered", heartbeat.pointer, (copy) => {
          own(copy).heartbeat!.close = neverUsedClose;
        });
      }
    }
    limits.forEach((limit, place) => {
      const mutate = (change: Partial<Limit>) => (copy: Mutable<Contract>) =>
        void Object.assign(own(copy).limits[place]!, change);
      if (limit.close !== undefined) add("close-altered", limit.pointer, mutate({ close: neverUsedClose }));
      if (limit.error !== undefined) {
        const other = contract.errors?.codes.find(({ code }) => code !== limit.error)?.code;
        if (other !== undefined) add("error-altered", limit.pointer, (copy) => renameError(copy, limit.name, other));
      }
      // The number that the server advertises is believed, so that only another one without that can be wrong.
      const [lower, higher] = neighboursOf(limit, inForce(limit.advertised, limit.value));
      add("limit-lowered", limit.pointer, mutate({ value: lower, advertised: undefined }));
      add("limit-raised", limit.pointer, mutate({ value: higher, advertised: undefined }));
    });
    rateLimits.forEach((limit, place) => {
      const burst = inForce(limit.advertised.burst, limit.burst);
      const perSecond = inForce(limit.advertised.perSecond, limit.perSecond);
      // What is refilled while the burst is sent must not make up for it.
      const step = Math.max(1, Math.ceil(perSecond / 4));
      const set = (numbers: { burst: number; perSecond: number }) => (copy: Mutable<Contract>) =>
        void Object.assign(own(copy).rateLimits[place]!, { ...numbers, advertised: { burst: undefined, perSecond: undefined } });
      add("burst-lowered", limit.pointer, set({ burst: burst - step, perSecond }));
      add("burst-raised", limit.pointer, set({ burst: burst + step, perSecond }));
      add("refill-slowed", limit.pointer, set({ burst, perSecond: perSecond / 4 }));
      add("refill-quickened", limit.pointer, set({ burst, perSecond: perSecond * 4 }));
      const other = contract.errors?.codes.find(({ code }) => code !== limit.error)?.code;
      if (other !== undefined) add("error-altered", limit.pointer, (copy) => renameError(copy, limit.name, other));
      const shared = contract.state.attributes.find(({ unique }) => !unique);
      if (limit.scope === "connection" && shared !== undefined) {
        add("scope-widened", limit.pointer, (copy) => {
          own(copy).rateLimits[place]!.scope = shared.name;
        });
      }
    });
    closeCodes.forEach((code, place) => {
      add("close-code-altered", code.pointer, (copy) => {
        own(copy).closeCodes[place]!.code = neverUsedClose;
        renumber(copy, code.code);
      });
    });
  });
}

/** Numbers on either side: the next ones where things are counted, far away where bytes are queued or time passes. */
function neighboursOf({ kind }: Limit, value: number): readonly [number, number] {
  const isCounted = kind !== "queued-bytes" && kind !== "credential-grace" && kind !== "first-message";
  return isCounted ? [value - 1, value + 1] : [Math.floor(value / 8), value * 4];
}

/** The error of the limit, and of each requirement that asks for it. */
function renameError(copy: Mutable<Contract>, limit: string, error: ErrorValue): void {
  for (const { limits, rateLimits } of copy.channels) {
    for (const one of [...limits, ...rateLimits]) if (one.name === limit) one.error = error;
  }
  for (const { requires } of copy.operations) {
    for (const one of requires) if ((one.kind === "rate" || one.kind === "limit") && one.limit === limit) one.else = error;
  }
}

/** Wherever the document names the close code. */
function renumber(copy: Mutable<Contract>, from: number): void {
  const named: ({ close?: number | undefined } | undefined)[] = [
    ...copy.channels.flatMap(({ handshake, heartbeat, limits }) => [
      heartbeat,
      ...limits,
      ...(handshake?.refusals ?? []).flatMap(({ outcome }) => ("close" in outcome ? [outcome] : [])),
    ]),
    ...(copy.errors?.codes ?? []),
  ];
  for (const one of named) if (one?.close === from) one.close = neverUsedClose;
}

export function mutateErrors(contract: Contract, add: Add): void {
  contract.errors?.codes.forEach((code, place) => {
    add("error-code-altered", code.pointer, (copy) => {
      copy.errors!.codes[place]!.code = "NEVER_SENT";
      for (const { requires } of copy.operations) {
        for (const one of requires) if (one.else === code.code) one.else = "NEVER_SENT";
      }
      for (const { limits, rateLimits } of copy.channels) {
        for (const one of [...limits, ...rateLimits]) if (one.error === code.code) one.error = "NEVER_SENT";
      }
    });
    add("retryable-flipped", code.pointer, (copy) => {
      copy.errors!.codes[place]!.retryable = !code.retryable;
    });
  });
}
