// A server of the small document with a log, for tests: right, or with one fault that it counts itself.
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

/** What it does wrong with each fiftieth delivery, or to a request. */
export type LogFault = "none" | "drops" | "doubles" | "swaps" | "refuses" | "closes" | "rewrites";

export interface LogServer {
  readonly url: string;
  /** How often it did it. */
  readonly done: { faults: number; deliveries: number; saids: number };
  stop(): Promise<void>;
}

const one = 50;

export async function startLogServer(fault: LogFault): Promise<LogServer> {
  const logs = new Map<string, { seq: number; members: Set<WebSocket> }>();
  const held = new Map<WebSocket, string>();
  const done = { faults: 0, deliveries: 0, saids: 0 };
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });

  function deliver(socket: WebSocket, said: object): void {
    const text = JSON.stringify(said);
    const isTurn = done.deliveries++ % one === one - 1;
    const before = held.get(socket);
    if (isTurn && fault === "drops") {
      done.faults++;
      return;
    }
    if (isTurn && fault === "rewrites") {
      done.faults++;
      socket.send(JSON.stringify({ ...said, text: "somebody else's" }));
      return;
    }
    if (isTurn && fault === "swaps" && before === undefined) {
      held.set(socket, text);
      return;
    }
    socket.send(text);
    if (isTurn && fault === "doubles") {
      done.faults++;
      socket.send(text);
    }
    if (before !== undefined) {
      done.faults++;
      held.delete(socket);
      socket.send(before);
    }
  }

  server.on("connection", (socket) => {
    socket.on("close", () => {
      for (const { members } of logs.values()) members.delete(socket);
    });
    socket.on("message", (data) => {
      const { type, id, log: name, text } = JSON.parse(String(data));
      const log = logs.get(name) ?? { seq: 0, members: new Set() };
      logs.set(name, log);
      const at = () => ({ re: id, log: name, epoch: "e1", seq: log.seq });
      if (type === "join") {
        log.members.add(socket);
        socket.send(JSON.stringify({ type: "joined", ...at() }));
        return;
      }
      const isTurn = done.saids++ % 10 === 9;
      if (isTurn && fault === "refuses") {
        done.faults++;
        socket.send(JSON.stringify({ type: "refused", re: id, code: "SLOWLY" }));
        return;
      }
      if (isTurn && fault === "closes") {
        done.faults++;
        log.members.delete(socket);
        socket.close(1013);
        return;
      }
      log.seq++;
      socket.send(JSON.stringify({ type: "noted", ...at() }));
      for (const member of log.members) deliver(member, { type: "said", log: name, epoch: "e1", seq: log.seq, text });
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    done,
    async stop() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
