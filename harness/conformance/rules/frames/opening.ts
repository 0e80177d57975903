// RFC 6455 section 4.2: what a server looks at in the opening handshake.
import type { DialOptions } from "../../../client/dial.ts";
import { Violation } from "../../../schema/errors.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Level, type Rule, rule } from "../../rule.ts";
import { clause } from "./clause.ts";

const text = "A server that receives a handshake other than section 4.2.1 describes stops and answers in HTTP, not with 101.";

/** Whatever is not 101 is no handshake: a web page at the same address may answer what is plain HTTP. */
async function mustRefuse(context: Context, options: DialOptions): Promise<ReadonlyMap<string, string>> {
  const attempt = await context.attempt(options);
  context.judged();
  if (attempt.kind === "refused") return attempt.headers;
  if (attempt.kind === "open") await attempt.client.hangUp();
  throw new Violation("an HTTP response other than 101", attempt.kind === "open" ? "the connection was accepted" : attempt.how);
}

// The standard has MUST for all of them. Many servers do not look at Host and the version of HTTP, and no client suffers from that.
const wrong: Readonly<Record<string, { readonly title: string; readonly options: DialOptions; readonly level?: Level }>> = {
  "key-missing": {
    title: "rejects a handshake without Sec-WebSocket-Key",
    options: { headers: { "Sec-WebSocket-Key": undefined } },
  },
  "key-too-short": {
    title: "rejects a Sec-WebSocket-Key that is not 16 bytes in base64",
    options: { headers: { "Sec-WebSocket-Key": "c2hvcnQ=" } },
  },
  "key-not-base64": {
    title: "rejects a Sec-WebSocket-Key that is not base64",
    options: { headers: { "Sec-WebSocket-Key": "not base64 at all!!!!!!!" } },
  },
  "version-missing": {
    title: "rejects a handshake without Sec-WebSocket-Version",
    options: { headers: { "Sec-WebSocket-Version": undefined } },
  },
  "connection-missing": {
    title: "does not upgrade a request without Connection: Upgrade",
    options: { headers: { Connection: undefined } },
  },
  "host-missing": { title: "rejects a handshake without Host", options: { headers: { Host: undefined } }, level: "SHOULD" },
  "method-post": { title: "rejects a handshake by POST", options: { method: "POST" } },
  "http-1-0": { title: "rejects a handshake in HTTP/1.0", options: { httpVersion: "HTTP/1.0" }, level: "SHOULD" },
};

const refused: readonly Rule[] = Object.entries(wrong).map(([id, { title, options, level = "MUST" }]) =>
  rule({
    id: `frames-opening-${id}`,
    level,
    phase: "frames",
    title,
    from: () => [clause("4.2.1", text)],
    async check(context) {
      await mustRefuse(context, options);
    },
    brokenBy: () => faults.dropsHandshake(undefined),
  }),
);

export const openingRules: readonly Rule[] = [
  ...refused,

  rule({
    id: "frames-opening-version-unknown",
    level: "MUST",
    phase: "frames",
    title: "rejects an unknown version and lists the supported ones",
    from: () => [
      clause(
        "4.2.2",
        "A server that does not support the client's version rejects the handshake and lists its versions in Sec-WebSocket-Version.",
      ),
    ],
    async check(context) {
      const headers = await mustRefuse(context, { headers: { "Sec-WebSocket-Version": "12" } });
      const spoken = headers.get("sec-websocket-version") ?? "nothing";
      if (!/(^|[\s,])13([\s,]|$)/.test(spoken)) throw new Violation("Sec-WebSocket-Version with 13", spoken);
    },
    brokenBy: () => faults.dropsHandshake(undefined),
  }),

  rule({
    id: "frames-opening-extension-unknown",
    level: "MUST",
    phase: "frames",
    title: "does not select an unknown extension",
    from: () => [clause("9.1", "A server agrees only to extensions that the client offered.")],
    async check(context) {
      const client = await context.dial({ headers: { "Sec-WebSocket-Extensions": "x-unheard-of; level=1" } });
      context.judged();
      const agreed = client.headers.get("sec-websocket-extensions");
      if (agreed !== undefined) throw new Violation("no Sec-WebSocket-Extensions", agreed);
      await client.hangUp();
    },
    brokenBy: () => faults.addsHeader("Sec-WebSocket-Extensions", "x-unheard-of"),
  }),
];
