// What commands on recorded traffic may show: nothing that its frames hold as a credential, also where another frame repeats it.
import { createMask } from "../client/mask.ts";
import type { RuleResult } from "../conformance/result.ts";
import type { TrafficEvent } from "./traffic-event.ts";

/** Members whose value is a secret, such as `accessToken`, `api_key` or `password`. */
const isSecret = (name: string) =>
  /(?:token|secret|passw(?:or)?d|passphrase|credential|jwt|api[_-]?key|authorization)$/i.test(name);

export interface TrafficMask {
  /** Hides the secrets of this frame from now on. */
  take(event: TrafficEvent): void;
  hide(text: string): string;
}

/** It hides JWTs wherever they are. */
export function createTrafficMask(): TrafficMask {
  const { add, hide } = createMask([]);
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      if (typeof member === "string" && isSecret(name)) add(member);
      else collect(member);
    }
  };
  return {
    take(event) {
      if (event.kind === "send" || event.kind === "receive") collect(event.frame);
    },
    hide,
  };
}

export function withoutCredentials(results: readonly RuleResult[]): readonly RuleResult[] {
  const mask = createTrafficMask();
  for (const { failures } of results) for (const { frames } of failures) for (const event of frames) mask.take(event);
  return results.map((result) => (result.failures.length === 0 ? result : JSON.parse(mask.hide(JSON.stringify(result)))));
}
