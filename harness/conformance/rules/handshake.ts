// The phase handshake: how a connection comes about, and how it is refused, by x-handshake.
import type { Phase } from "../phase.ts";
import { acceptRules } from "./handshake/accept.ts";
import { carrierRules } from "./handshake/carriers.ts";
import { compressionRules } from "./handshake/compression.ts";
import { credentialRules } from "./handshake/credentials.ts";
import { firstMessageRules } from "./handshake/first-message.ts";
import { refusalRules } from "./handshake/refusals.ts";
import { serverRules } from "./handshake/server.ts";
import { subprotocolRules } from "./handshake/subprotocols.ts";

export const handshakePhase: Phase = {
  name: "handshake",
  rules: [
    ...acceptRules,
    ...firstMessageRules,
    ...subprotocolRules,
    ...carrierRules,
    ...credentialRules,
    ...refusalRules,
    ...compressionRules,
    ...serverRules,
  ],
};
