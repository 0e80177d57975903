// The checker of a history that somebody else caused: takes events one by one, keeps little, and claims only what the history proves.
import { CheckedConnection } from "./checked-connection.ts";
import { ReplyChecker } from "./reply-checker.ts";
import type { TrafficEvent } from "./traffic-event.ts";

const maxClosed = 100_000;

export class TrafficChecker extends ReplyChecker {
  /** Messages of connections whose beginning the history does not have. */
  unopened = 0;
  /** Those that have ended, the last of them. */
  readonly #closed = new Set<number>();

  take(event: TrafficEvent): void {
    if (event.kind === "refused") {
      this.refused(event);
      return;
    }
    if (event.kind === "open") {
      this.open(event);
      return;
    }
    const connection = this.connections.get(event.connection);
    if (connection === undefined) {
      const isMessage = event.kind === "send" || event.kind === "receive";
      if (isMessage && !this.ignored.has(event.connection) && !this.#closed.has(event.connection)) this.unopened += 1;
      return;
    }
    connection.remember(event);
    if (event.kind === "send") this.sent(connection, event);
    else if (event.kind === "receive") this.received(connection, event);
    else if (event.kind === "hang-up") this.hangUp(connection, event);
    else if (event.kind === "close") this.closed(connection, event);
    else if (event.kind === "note") {
      // Something was said that the history does not have.
      if (/^sent |^received (?:frames|a message) /.test(event.text)) connection.opaque = true;
      this.heartbeats.control(connection, event);
    }
  }

  /** What never came is decided. */
  end(): void {
    for (const connection of this.connections.values()) this.conclude(connection);
    this.connections.clear();
  }

  protected open(event: Extract<TrafficEvent, { kind: "open" }>): void {
    if (event.http !== undefined) {
      this.ignored.add(event.connection);
      return;
    }
    const connection = new CheckedConnection(event.connection, event.user, event);
    this.connections.set(event.connection, connection);
    const { handshake } = this.channel;
    if (handshake !== undefined && handshake.subprotocols.length > 0 && event.subprotocol !== "") {
      const isDeclared = handshake.subprotocols.includes(event.subprotocol);
      this.decide(
        isDeclared,
        "handshake-subprotocol-declared",
        handshake.pointer,
        handshake.subprotocols.join(" or "),
        event.subprotocol,
        [event],
      );
    }
    const { offered = [], subprotocol } = event;
    if (event.offered !== undefined && subprotocol !== "")
      this.decide(
        offered.includes(subprotocol),
        "handshake-subprotocol-offered",
        handshake?.pointer ?? this.channel.pointer,
        offered.join(" or ") || "no subprotocol: none was offered",
        subprotocol,
        [event],
      );
    this.heartbeats.opened(event);
    this.reconnects.opened(event.user, event);
  }

  protected refused(event: Extract<TrafficEvent, { kind: "refused" }>): void {
    const { handshake } = this.channel;
    const statuses = (handshake?.refusals ?? []).flatMap(({ outcome }) => ("http" in outcome ? [outcome.http] : []));
    if (handshake === undefined || statuses.length === 0) return;
    const usual = [400, 401, 403, 404, 426, 429, 500, 502, 503, 504, ...statuses];
    this.decide(
      usual.includes(event.status),
      "handshake-refusal-declared",
      handshake.pointer,
      statuses.join(" or "),
      `${event.status}`,
      [event],
    );
  }

  protected hangUp(connection: CheckedConnection, event: Extract<TrafficEvent, { kind: "hang-up" }>): void {
    connection.hungUp = true;
    const codes = this.channel.closeCodes.filter(({ by }) => by !== "server");
    if (codes.length === 0 || event.code === 1005 || event.code === 1006 || event.code === 1001) return;
    const pointer = codes[0]!.pointer;
    const wanted = codes.map(({ code }) => code).join(" or ");
    this.decide(
      codes.some(({ code }) => code === event.code),
      "client-close-code-declared",
      pointer,
      wanted,
      `${event.code}`,
      [event],
    );
  }

  protected closed(connection: CheckedConnection, event: Extract<TrafficEvent, { kind: "close" }>): void {
    const codes = this.channel.closeCodes.filter(({ by }) => by !== "client");
    const isOwn = !connection.hungUp && event.code !== 1005 && event.code !== 1006;
    // What is not a message of the protocol may end a connection by RFC 6455.
    if (isOwn && codes.length > 0 && !connection.opaque) {
      const known = [
        ...codes.map(({ code }) => code),
        ...(this.contract.errors?.codes ?? []).flatMap(({ close }) => close ?? []),
      ];
      const wanted = codes.map(({ code }) => code).join(", ");
      this.decide(
        known.includes(event.code) || event.code === 1001,
        "close-code-declared",
        codes[0]!.pointer,
        `one of ${wanted}`,
        `${event.code}`,
        connection,
      );
    }
    this.heartbeats.closed(connection, event);
    this.reconnects.closed(connection.user, event, isOwn);
    this.conclude(connection);
    this.connections.delete(connection.id);
    this.#closed.add(connection.id);
    if (this.#closed.size > maxClosed) this.#closed.delete(this.#closed.values().next().value!);
  }

  /** A fence was answered, and what was asked before it never was. */
  protected conclude(connection: CheckedConnection): void {
    if (connection.opaque || connection.overflowed) return;
    for (const pending of connection.waiting) {
      if (pending.overtaken === undefined || pending.ambiguous || pending.answered) continue;
      const { operation } = pending;
      if (pending.malformed) {
        const pointer = this.contract.errors?.codes[0]?.pointer ?? this.channel.pointer;
        this.report.fail("malformed-is-rejected", pointer, "an error", "none before the reply to a later fence", [
          pending.event,
          pending.overtaken,
        ]);
      } else if (operation !== undefined)
        this.report.fail(
          "reply-exactly-one",
          operation.pointer,
          `one reply to ${operation.id}`,
          "none before the reply to a later fence",
          [pending.event, pending.overtaken],
        );
    }
  }
}
