// The numbers in force: those of the document, but for what `--set` changes where the document lets the server advertise its own.
import type { Channel, Limit, Pointer, RateLimit } from "../../spec/contract.ts";
import { UsageError } from "../schema/errors.ts";

export interface Numbers {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  limit(limit: Limit): number;
  rate(limit: RateLimit): { readonly burst: number; readonly perSecond: number };
  /** Where the first message says them. */
  readonly advertised: readonly (readonly [Pointer, number])[];
}

/**
 * @param set such as `heartbeat.intervalMs`, the name of a limit, or `RATE.burst` and `RATE.perSecond`
 * @throws UsageError for a name that the channel does not advertise
 */
export function numbersInForce({ heartbeat, limits, rateLimits }: Channel, set: Readonly<Record<string, string>> = {}): Numbers {
  const known = new Map<string, { readonly value: number; readonly at: Pointer | undefined }>();
  for (const key of ["intervalMs", "timeoutMs"] as const)
    if (heartbeat !== undefined) known.set(`heartbeat.${key}`, { value: heartbeat[key], at: heartbeat.advertised[key] });
  for (const { name, value, advertised } of limits) known.set(name, { value, at: advertised });
  for (const limit of rateLimits)
    for (const key of ["burst", "perSecond"] as const)
      known.set(`${limit.name}.${key}`, { value: limit[key], at: limit.advertised[key] });
  for (const [name, text] of Object.entries(set)) {
    const may = [...known].filter(([, { at }]) => at !== undefined).map(([one]) => one);
    if (!may.includes(name))
      throw new UsageError(
        `--set ${name}: the document advertises no such number${may.length > 0 ? `; it has ${may.join(", ")}` : ""}`,
      );
    if (!(Number(text) > 0)) throw new UsageError(`expected --set ${name}=NUMBER above 0, got "${text}"`);
    known.set(name, { value: Number(text), at: known.get(name)?.at });
  }
  const value = (name: string) => known.get(name)?.value ?? Number.POSITIVE_INFINITY;
  return {
    intervalMs: value("heartbeat.intervalMs"),
    timeoutMs: value("heartbeat.timeoutMs"),
    limit: ({ name }) => value(name),
    rate: ({ name }) => ({ burst: value(`${name}.burst`), perSecond: value(`${name}.perSecond`) }),
    advertised: [...known.values()].flatMap(({ at, value: number }) => (at === undefined ? [] : [[at, number] as const])),
  };
}
