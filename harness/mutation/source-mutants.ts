// Breakages of the server by hand, one line each, as a developer would make them, and the rule that must catch each.

export interface BrokenLine {
  /** In dist/reference. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
  /** What the developer got wrong. */
  readonly about: string;
  readonly rule: string;
}

export const brokenLines: readonly BrokenLine[] = [
  {
    file: "hub/memory-hub.js",
    from: "if (request.needsMembership && !this.#isMember(name, from.clientId))",
    to: "if (false)",
    about: "publishing without membership",
    rule: "requirement-is-enforced",
  },
  {
    file: "hub/memory-hub.js",
    from: "if (clientId !== from.clientId)",
    to: "if (true)",
    about: "typing comes back to the one who types",
    rule: "sender-is-excluded",
  },
  {
    file: "hub/memory-hub.js",
    from: "memberCount: room.seats.size,",
    to: "memberCount: room.seats.size + 1,",
    about: "the count of members is one too high",
    rule: "count-exact-at-position",
  },
  {
    file: "hub/key-memory.js",
    from: "return this.#entries.get(nameOf(userId, key))?.published;",
    to: "return undefined;",
    about: "a repeated message is published again",
    rule: "once-per-key",
  },
  {
    file: "strikes.js",
    from: "this.#atMs.length >= this.#max",
    to: "this.#atMs.length > this.#max",
    about: "one malformed frame too many is borne",
    rule: "limits-errors-close",
  },
  {
    file: "limiter.js",
    from: "Math.ceil(earliestMs - nowMs)",
    to: "Math.ceil((earliestMs - nowMs) / 1000)",
    about: "the time to wait is in seconds",
    rule: "limits-rate-retry-after-honoured",
  },
  {
    file: "handshake.js",
    from: "allowed.includes(origin.toLowerCase())",
    to: "true",
    about: "pages of any origin may connect",
    rule: "handshake-origin-refused",
  },
  {
    file: "tokens.js",
    from: "audience, requiredClaims }",
    to: "requiredClaims }",
    about: "tokens for other services are accepted",
    rule: "handshake-credential-claim-wrong-refused",
  },
  {
    file: "server.js",
    from: "maxPayload: config.limits.messageBytes,",
    to: "maxPayload: config.limits.messageBytes + 1,",
    about: "a message one byte too long is read",
    rule: "limits-bytes-beyond",
  },
  {
    file: "session.js",
    from: "if (identity.userId !== this.member.userId)",
    to: "if (false)",
    about: "a token of another user renews the connection",
    rule: "requirement-is-enforced",
  },
  {
    file: "heartbeat.js",
    from: "else if (nowMs >= this.#answerDueMs)",
    to: "else if (false)",
    about: "a dead peer is never noticed",
    rule: "limits-heartbeat-silent-closed",
  },
  {
    file: "drain.js",
    from: "connection.announceShutdown(reason, reconnectWithinMs);",
    to: ";",
    about: "clients are not told of the restart",
    rule: "shutdown-announced",
  },
];
