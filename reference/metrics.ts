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
  let reported = 0;
  new Counter({
    name: "wsproof_deliveries_total",
    help: "Frames written to connections.",
    registers,
    collect() {
      const now = facts.delivered();
      this.inc(now - reported);
      reported = now;
    },
  });
  const upgrades = new Counter({
    name: "wsproof_upgrades_total",
    help: "Upgrades by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  const received = createCounts("wsproof_received_total", "Messages from clients.", "type", [...clientMessages, "malformed"]);
  const errors = createCounts("wsproof_errors_total", "Errors sent to clients.", "code", Object.keys(errorCodes));
  const known = Object.values(closeCodes).map(({ code }) => `${code}`);
  const closes = createCounts("wsproof_closes_total", "Closed connections by close code.", "code", [...known, "other"]);
  const published = new Counter({ name: "wsproof_http_published_total", help: "Messages published over HTTP.", registers });

  /** One child per label value, made in advance, because looking it up costs more than counting. */
  function createCounts(name: string, help: string, label: string, values: readonly string[]) {
    const counter = new Counter({ name, help, labelNames: [label], registers });
    return new Map(values.map((value) => [value, counter.labels(value)]));
  }

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    upgraded: (outcome) => upgrades.labels(outcome).inc(),
    received: (type) => received.get(type)?.inc(),
    refused: (code) => errors.get(code)?.inc(),
    closed: (code) => (closes.get(`${code}`) ?? closes.get("other"))?.inc(),
    published: () => published.inc(),
  };
}
