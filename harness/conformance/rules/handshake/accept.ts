// A handshake as the document describes it is accepted, and the answer is as RFC 6455 section 4.2.2 has it.

import type { ContractUnderTest } from "../../../client/context.ts";
import type { DialOptions } from "../../../client/dial.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { acceptFor } from "../../../client/wire/upgrade.ts";
import { Violation } from "../../../schema/errors.ts";
import { describeRefusal } from "../../check.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";

const answer = (text: string) => () => [{ pointer: "RFC 6455 section 4.2.2", text }];
const fixedKey = "dGhlIHNhbXBsZSBub25jZQ==";

/** The channel's own handshake, or the channel where it says nothing of one. */
const handshake = ({ channel }: ContractUnderTest) => [{ pointer: channel.handshake?.pointer ?? channel.pointer }];

async function open(context: Context, options: DialOptions = {}): Promise<TestClient> {
  const attempt = await context.attempt(options);
  if (attempt.kind !== "open") throw new Violation("the handshake to be accepted", describeRefusal(attempt));
  return attempt.client;
}

export const acceptRules: readonly Rule[] = [
  rule({
    id: "handshake-accepted",
    level: "MUST",
    phase: "handshake",
    title: "accepts a valid handshake",
    from: handshake,
    async check({ dial }) {
      await (await dial()).fence();
    },
    brokenBy: () => faults.dropsHandshake(101),
  }),
  rule({
    id: "handshake-accept-key",
    level: "MUST",
    phase: "handshake",
    title: "returns the correct Sec-WebSocket-Accept",
    from: answer("Sec-WebSocket-Accept is the base64 of the SHA-1 of the key and 258EAFA5-E914-47DA-95CA-C5AB0DC85B11."),
    async check(context) {
      const { headers } = await open(context, { headers: { "Sec-WebSocket-Key": fixedKey } });
      const actual = headers.get("sec-websocket-accept");
      if (actual !== acceptFor(fixedKey)) {
        throw new Violation(`Sec-WebSocket-Accept: ${acceptFor(fixedKey)} for the key ${fixedKey}`, actual ?? "no such header");
      }
    },
    brokenBy: () => faults.addsHeader("Sec-WebSocket-Accept", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
  }),
  rule({
    id: "handshake-upgrade-header",
    level: "MUST",
    phase: "handshake",
    title: "answers with Upgrade: websocket",
    from: answer("The answer has an Upgrade header field with the value websocket."),
    async check(context) {
      const { headers } = await open(context);
      const actual = headers.get("upgrade");
      if (actual?.toLowerCase() !== "websocket") throw new Violation("Upgrade: websocket", actual ?? "no such header");
    },
    brokenBy: () => faults.dropsHeader("Upgrade"),
  }),
  rule({
    id: "handshake-connection-header",
    level: "MUST",
    phase: "handshake",
    title: "answers with Connection: Upgrade",
    from: answer("The answer has a Connection header field with the value Upgrade."),
    async check(context) {
      const { headers } = await open(context);
      const actual = headers.get("connection");
      const tokens = (actual ?? "").split(",").map((token) => token.trim().toLowerCase());
      if (!tokens.includes("upgrade")) throw new Violation("Connection: Upgrade", actual ?? "no such header");
    },
    brokenBy: () => faults.dropsHeader("Connection"),
  }),
  rule({
    id: "handshake-header-tokens",
    level: "MUST",
    phase: "handshake",
    title: "compares Upgrade and Connection case-insensitively, as lists of tokens",
    from: () => [
      {
        pointer: "RFC 6455 section 4.2.1",
        text: "The values websocket and Upgrade are compared without regard to case, as tokens of a list.",
      },
    ],
    async check(context) {
      for (const headers of [
        { Upgrade: "WebSocket", Connection: "UPGRADE" },
        { upgrade: "websocket", connection: "keep-alive, Upgrade" },
      ]) {
        await open(context, { headers });
      }
    },
    brokenBy: () => faults.dropsHandshake(101),
  }),
  rule({
    id: "handshake-extension-not-offered",
    level: "MUST",
    phase: "handshake",
    title: "does not select an extension that was not offered",
    from: () => [
      { pointer: "RFC 6455 section 9.1", text: "A server must not accept an extension that the client did not ask for." },
    ],
    async check(context) {
      const { headers } = await open(context);
      const actual = headers.get("sec-websocket-extensions");
      if (actual !== undefined) throw new Violation("no Sec-WebSocket-Extensions, because none was offered", actual);
    },
    brokenBy: () => faults.addsHeader("Sec-WebSocket-Extensions", "permessage-deflate"),
  }),
];
