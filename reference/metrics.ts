// Prometheus metrics of the server. Labels come from fixed lists, never from clients.
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { clientMessages, closeCodes, errorCodes } from "../generated/protocol.gen.ts";
import type { ErrorCode } from "../generated/types.gen.ts";

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  upgraded(outcome: string): void;
  received(type: string): void;
  refused(code: ErrorCode): void;
  closed(code: number): void;
  published(): void;
}

/** @param facts read at each scrape */
export function createMetrics(facts: {
  connections(): number;
  sockets(): readonly (readonly [state: string, count: number])[];
  /** Sockets dropped at accept. */
  shed(): number;
  isReady(): boolean;
  isRateLocal(): boolean;
  delivered(): number;
}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "wsproof_connections",
    help: "Open WebSocket connections.",
    registers,
    collect() {
      this.set(facts.connections());
    },
  });
  new Gauge({
    name: "wsproof_ready",
    help: "1 while the server accepts connections and its hub is available.",
    registers,
    collect() {
      this.set(facts.isReady() ? 1 : 0);
    },
  });
  new Gauge({
    name: "wsproof_user_rate_local",
    help: "1 while this node counts the rate of users by itself, because the hub's backend is away.",
    registers,
    collect() {
      this.set(facts.isRateLocal() ? 1 : 0);
    },
  });
  new Gauge({
    name: "wsproof_sockets",
    help: "TCP sockets by state.",
    labelNames: ["state"],
    registers,
    collect() {
      for (const [state, count] of facts.sockets()) this.set({ state }, count);
    },
  });
  countFrom("wsproof_sockets_shed_total", "Sockets dropped at accept, because too many were open.", facts.shed);
  countFrom("wsproof_deliveries_total", "Frames written to connections.", facts.delivered);
  const upgrades = new Counter({
    name: "wsproof_upgrades_total",
    help: "Upgrades by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  const upgradesByOutcome = new Map<string, Counter.Internal>();
  /** Kept once looked up. Outcomes are statuses and close codes of our own, so there are few. */
  function childOf(outcome: string): Counter.Internal {
    let child = upgradesByOutcome.get(outcome);
    if (child === undefined) {
      child = upgrades.labels(outcome);
      upgradesByOutcome.set(outcome, child);
    }
    return child;
  }
  const received = createCounts("wsproof_received_total", "Messages from clients.", "type", [...clientMessages, "malformed"]);
  const errors = createCounts("wsproof_errors_total", "Errors sent to clients.", "code", Object.keys(errorCodes));
  const known = Object.values(closeCodes).map(({ code }) => `${code}`);
  const closes = createCounts(
    "wsproof_closes_total",
    "Closed connections by close code: the server's own where it closed first.",
    "code",
    [...new Set([...known, "1001", "1005", "1006", "1008", "other"])],
  );
  const published = new Counter({ name: "wsproof_http_published_total", help: "Messages published over HTTP.", registers });

  /** A counter whose value is kept elsewhere. */
  function countFrom(name: string, help: string, read: () => number): void {
    let reported = 0;
    new Counter({
      name,
      help,
      registers,
      collect() {
        const now = read();
        this.inc(now - reported);
        reported = now;
      },
    });
  }

  /** One child per label value, made in advance, because looking it up costs more than counting. */
  function createCounts(name: string, help: string, label: string, values: readonly string[]) {
    const counter = new Counter({ name, help, labelNames: [label], registers });
    return new Map(values.map((value) => [value, counter.labels(value)]));
  }

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    upgraded: (outcome) => childOf(outcome).inc(),
    received: (type) => received.get(type)?.inc(),
    refused: (code) => errors.get(code)?.inc(),
    closed: (code) => (closes.get(`${code}`) ?? closes.get("other"))?.inc(),
    published: () => published.inc(),
  };
}
