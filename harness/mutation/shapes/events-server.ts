// A server of events.yaml with switches for faults: messages are arrays, and the client sends the heartbeat.
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { ShapesServer } from "./jobs-server.ts";

const patienceMs = 1_600;
const isText = (value: unknown, most: number) => typeof value === "string" && value !== "" && [...value].length <= most;
const isEmpty = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

/** @param fault its switch; undefined: the server is correct */
export async function startEventsServer(fault?: string): Promise<ShapesServer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/socket" });
  const topics = new Map<WebSocket, Set<string>>();
  await new Promise((resolve) => server.once("listening", resolve));

  server.on("connection", (socket) => {
    const own = new Set<string>();
    topics.set(socket, own);
    const send = (...items: readonly unknown[]) => socket.send(JSON.stringify(items));
    let timer = setTimeout(silent, patienceMs);
    function silent() {
      if (fault !== "heartbeat-not-enforced") socket.close(4000);
    }
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      topics.delete(socket);
    });
    socket.on("message", (data) => {
      let frame: unknown;
      try {
        frame = JSON.parse(data.toString());
      } catch {
        return;
      }
      const items: readonly unknown[] = Array.isArray(frame) ? frame : [];
      const [join, ref, topic, event, payload] = items;
      const named = isText(ref, 40) ? ref : null;
      const refuse = (reason: string) => {
        const answered = fault === "refusal-without-ref" && reason === "not joined" ? null : named;
        send(null, answered, isText(topic, 80) ? topic : null, "phx_reply", { status: "error", response: { reason } });
      };
      const done = () =>
        send(null, fault === "ref-as-number" && event === "push" ? Number(named) || 0 : named, topic, "phx_reply", {
          status: "ok",
        });
      const isEvent = ["heartbeat", "phx_join", "push"].includes(event as string);
      if (Array.isArray(frame) && typeof event === "string" && !isEvent) return refuse("unknown event");
      if (items.length !== 5 || join !== null || named === null || !isText(topic, 80) || !isEvent) return refuse("invalid");
      if (event === "heartbeat") {
        if (topic !== "phoenix" || !isEmpty(payload)) return refuse("invalid");
        clearTimeout(timer);
        timer = setTimeout(silent, patienceMs);
        if (fault === "heartbeat-ignores-messages") timer = setTimeout(() => socket.close(4000), patienceMs / 2);
        return done();
      }
      if (event === "phx_join") {
        if (!isEmpty(payload)) return refuse("invalid");
        own.add(topic as string);
        return done();
      }
      const { text } = Object(payload);
      const isPush = typeof text === "string" && [...text].length <= 100 && Object.keys(Object(payload)).length === 1;
      if (!isPush || Array.isArray(payload)) return refuse("invalid");
      if (!own.has(topic as string) && fault !== "push-without-join") return refuse("not joined");
      for (const [other, joined] of topics) {
        if (other === socket || !joined.has(topic as string) || fault === "push-undelivered") continue;
        other.send(JSON.stringify([null, null, topic, "pushed", { text: fault === "push-altered" ? `${text}.` : text }]));
      }
      done();
    });
  });

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/socket`,
    forbidden: [],
    close() {
      for (const client of server.clients) client.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
