// The rules of `check`, by side.
import type { CheckRule } from "./check-report.ts";

const server = (id: string, title: string, level: CheckRule["level"] = "MUST"): CheckRule => ({
  id,
  title,
  level,
  side: "server",
});
const client = (id: string, title: string, level: CheckRule["level"] = "MUST"): CheckRule => ({
  id,
  title,
  level,
  side: "client",
});

export const checkRules: readonly CheckRule[] = [
  server("server-message-valid", "sends only declared messages, each valid by its schema"),
  server("handshake-subprotocol-declared", "selects a declared subprotocol"),
  server("handshake-subprotocol-offered", "selects a subprotocol that the client offered"),
  server("handshake-refusal-declared", "rejects a handshake only with a declared status"),
  server("first-message-once", "sends the first message first, and once"),
  server("reply-exactly-one", "replies exactly once to each request"),
  server("reply-matches-effect", "replies with a message that the operation declares"),
  server("reply-fields-match", "reply fields match the request and its sender"),
  server("fence-in-order", "answers the fence after all earlier replies"),
  server("requirement-is-enforced", "rejects a request whose requirement does not hold"),
  server("error-by-first-failed-requirement", "rejects with an error that the operation may have"),
  server("allowed-is-not-rejected", "accepts a request whose requirements hold"),
  server("malformed-is-rejected", "rejects malformed frames"),
  server("unexpected-message", "sends no unsolicited reply"),
  server("delivered-to-nobody-else", "delivers only to addressed connections"),
  server("sender-is-excluded", "does not deliver to an excluded sender"),
  server("order-total", "delivers the events of a log in the order of their positions"),
  server("position-once", "no duplicate positions"),
  server("position-contiguous", "no gaps in positions"),
  server("position-consistent-between-observers", "every observer sees the same event at a position"),
  server("order-per-sender", "delivers the messages of one sender in the order of its requests"),
  server("count-exact-at-position", "counts members exactly at each position"),
  server("rate-limit-enforced", "rejects requests beyond the rate limit of the connection"),
  server("limit-on-errors-closes", "closes a connection beyond the limit on errors"),
  server("heartbeat-interval", "sends heartbeats in time"),
  server("heartbeat-closes-the-silent", "closes a connection that does not answer heartbeats"),
  server("heartbeat-closes-only-the-silent", "closes with the heartbeat's code only a silent client"),
  server("close-code-declared", "closes only with a declared code"),
  client("client-message-valid", "sends only declared messages, each valid by its schema"),
  client("client-message-bytes", "sends no message over the size limit"),
  client("client-rate", "stays within the rate limits of its connection"),
  client("client-id-unique", "does not reuse the id of an unanswered request"),
  client("client-close-code-declared", "closes only with a declared code"),
  client("client-heartbeat-interval", "sends heartbeats in time"),
  client("client-answers-heartbeat", "answers heartbeats in time"),
  client("client-reconnects-as-told", "reconnects as the close code says"),
];
