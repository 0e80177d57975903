// What record --check sees, for dashboards: messages by direction and findings by rule, over HTTP in the format of Prometheus.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Counter, Registry } from "prom-client";
import type { CheckRule } from "./check-report.ts";
import type { TrafficEvent } from "./traffic-event.ts";

export interface FindingsMetrics {
  readonly port: number;
  event(event: TrafficEvent): void;
  finding(rule: string): void;
  stop(): Promise<void>;
}

/** Listens on 127.0.0.1; every rule stands there from the start, with 0. @throws the error of `listen` */
export async function serveFindings(rules: readonly CheckRule[], port: number): Promise<FindingsMetrics> {
  const registry = new Registry();
  const registers = [registry];
  const findings = new Counter({
    ...{ name: "wsproof_findings_total", help: "Findings by rule.", labelNames: ["rule", "side"], registers },
  });
  const messages = new Counter({
    ...{ name: "wsproof_messages_total", help: "Messages by direction.", labelNames: ["direction"], registers },
  });
  const connections = new Counter({ name: "wsproof_connections_total", help: "Connections that were opened.", registers });
  const sides = new Map(rules.map(({ id, side }) => [id, side]));
  for (const [rule, side] of sides) findings.inc({ rule, side }, 0);
  for (const direction of ["send", "receive"]) messages.inc({ direction }, 0);
  const server = createServer((request, response) => {
    if (request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404).end("GET /metrics\n");
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { "Content-Type": registry.contentType }).end(text),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    event({ kind }) {
      if (kind === "open") connections.inc();
      else if (kind === "send" || kind === "receive") messages.inc({ direction: kind });
    },
    finding: (rule) => findings.inc({ rule, side: sides.get(rule) ?? "server" }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
