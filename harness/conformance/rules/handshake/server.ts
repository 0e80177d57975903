// What every message and frame of the server must keep, whatever a check is about. All checks feed these two; see incidentalRules.

import type { ContractUnderTest } from "../../../client/context.ts";
import { incidentalRules } from "../../../client/incidental-violation.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";

interface Sent extends Clause {
  readonly message: string;
}

/** The messages that a check on its own brings about: the first one, and the fence's reply. */
function sent({ contract, channel }: ContractUnderTest): readonly Sent[] {
  const fence = contract.operations.find(({ id }) => id === channel.delivery?.fence);
  const names = [channel.handshake?.first, ...(fence?.reply ?? []).filter((name) => name !== contract.errors?.reply.message)];
  const found = contract.messages.filter(({ name, format }) => format === "json" && names.includes(name));
  return found.map(({ name, pointer }) => ({ pointer, message: name }));
}

export const serverRules: readonly Rule[] = [
  rule({
    id: incidentalRules.message,
    level: "MUST",
    phase: "handshake",
    title: "sends only declared messages, each valid by its schema",
    from: sent,
    async check({ dial }) {
      await (await dial()).fence();
    },
    brokenBy: ({ message }) => faults.leaksField(message),
  }),
  rule({
    id: incidentalRules.frame,
    level: "MUST",
    phase: "handshake",
    title: "sends only frames that RFC 6455 allows",
    from: () => [
      {
        pointer: "RFC 6455 section 5",
        text: "A server's frames are unmasked, in the shortest form, and use no reserved bit or opcode.",
      },
    ],
    async check({ dial }) {
      const client = await dial();
      await client.fence();
      await client.ping();
    },
    brokenBy: () => [faults.sendsFrames("masked"), faults.sendsFrames("reserved-bit"), faults.sendsFrames("length-not-shortest")],
  }),
];
