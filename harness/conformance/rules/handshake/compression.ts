// RFC 7692: how permessage-deflate is negotiated, and whether messages can be exchanged over what was agreed.

import { readAnswer } from "../../../client/wire/permessage-deflate.ts";
import { NotApplicable, TargetLost, Violation } from "../../../schema/errors.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { deflateClause, dialCompressed, expectLegalFrames, plainOffer } from "../compression.ts";
import { fenceRequest, withFence } from "../frames/clause.ts";

const offers = [
  "permessage-deflate",
  plainOffer,
  "permessage-deflate; server_no_context_takeover",
  "permessage-deflate; client_no_context_takeover",
  "permessage-deflate; server_max_window_bits=10",
  "permessage-deflate; client_max_window_bits=10; server_max_window_bits=10",
  "permessage-deflate; server_max_window_bits=12, permessage-deflate",
];

const invalidOffers = [
  "permessage-deflate; no_such_parameter",
  "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
  "permessage-deflate; server_no_context_takeover=1",
  "permessage-deflate; server_max_window_bits=7",
  "permessage-deflate; server_max_window_bits=16",
  "permessage-deflate; server_max_window_bits=010",
  "permessage-deflate; client_max_window_bits=16",
];

/** What the server answers to an offer; undefined where it refuses the handshake. */
async function answerTo(context: Context, offer: string): Promise<ReadonlyMap<string, string> | undefined> {
  const attempt = await context.attempt({ headers: { "Sec-WebSocket-Extensions": offer } });
  if (attempt.kind === "dropped") throw new TargetLost(attempt.how);
  return attempt.kind === "open" ? attempt.client.headers : undefined;
}

export const compressionRules: readonly Rule[] = [
  rule({
    id: "handshake-compression-parameters",
    level: "MUST",
    phase: "handshake",
    title: "answers an offer of permessage-deflate with parameters that fit it, or declines",
    from: () => [
      deflateClause("7.1", "The parameters of an accepted extension correspond to the offer, and each has a valid value."),
    ],
    async check(context) {
      let accepted = 0;
      for (const offer of offers) {
        const headers = await answerTo(context, offer);
        const answer = headers?.get("sec-websocket-extensions");
        const agreed = readAnswer(offer, answer);
        if (agreed !== undefined) accepted++;
        const [wrong] = agreed?.wrong ?? [];
        if (wrong !== undefined) throw new Violation(`an answer that fits the offer "${offer}"`, `"${answer}": ${wrong}`);
        if (headers === undefined) throw new Violation(`the handshake to be accepted with the offer "${offer}"`, "a refusal");
      }
      context.note(
        accepted === 0
          ? "the server does not accept permessage-deflate, so compression was not tested"
          : `permessage-deflate: ${accepted} of ${offers.length} offers accepted`,
      );
    },
    brokenBy: () => faults.addsHeader("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=16"),
  }),

  rule({
    id: "handshake-compression-invalid-offer-declined",
    level: "MUST",
    phase: "handshake",
    title: "declines an offer of permessage-deflate with unknown, repeated or invalid parameters",
    from: () => [
      deflateClause("7", "A server declines an offer that has an unknown parameter, an invalid value or a parameter twice."),
    ],
    async check(context) {
      for (const offer of invalidOffers) {
        const headers = await answerTo(context, offer);
        const answer = headers?.get("sec-websocket-extensions");
        if (answer !== undefined) throw new Violation(`the offer "${offer}" to be declined`, `"${answer}"`);
      }
    },
    brokenBy: () => faults.addsHeader("Sec-WebSocket-Extensions", "permessage-deflate"),
  }),

  rule({
    id: "handshake-compression-usable",
    level: "MUST",
    phase: "handshake",
    title: "sends messages that inflate on a connection that agreed on permessage-deflate",
    from: withFence(deflateClause("7.2.1", "A message with RSV1 is compressed; what it inflates to is the message.")),
    async check(context) {
      let tried = 0;
      for (const offer of [
        plainOffer,
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10",
      ]) {
        try {
          const { client } = await dialCompressed(context, offer);
          expectLegalFrames(client);
          // Several, so that the later ones may refer to the earlier.
          for (let count = 0; count < 4; count++) {
            const { text, message } = fenceRequest(context);
            client.sendText(text);
            await client.replyTo(message).finally(() => expectLegalFrames(client));
          }
          tried++;
        } catch (error) {
          // A server may decline some offers.
          if (!(error instanceof NotApplicable) || tried === 0) throw error;
        }
      }
    },
    brokenBy: () => faults.compressing(faults.sendsFrames("reserved-bit")),
  }),
];
