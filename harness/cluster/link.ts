// The link between one node and Redis: a TCP proxy that can be cut and healed.
import net from "node:net";

/** `reset`: connections end and new ones are refused. `silence`: all stay open and nothing comes through, as when a cable is pulled. */
export type Cut = "reset" | "silence";

export interface Link {
  readonly port: number;
  cut(how: Cut): void;
  /** After a silence what was under way arrives late, as TCP has it. */
  heal(): void;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and passes everything on to `port` there. */
export async function openLink(port: number): Promise<Link> {
  const sockets = new Set<net.Socket>();
  const waiting: net.Socket[] = [];
  let cut: Cut | undefined;

  function keep(socket: net.Socket): net.Socket {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined); // `close` tells
    socket.on("close", () => sockets.delete(socket));
    return socket;
  }

  function join(near: net.Socket): void {
    if (near.destroyed) return;
    const far = keep(net.connect({ host: "127.0.0.1", port }));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      // Not `pipe`: its end on one side would resume what a silence holds.
      from.on("data", (bytes) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on("drain", () => {
        if (cut !== "silence") from.resume();
      });
      from.on("close", () => to.destroy());
    }
    near.resume();
  }

  const server = net.createServer({ pauseOnConnect: true }, (near) => {
    if (cut === "reset") return near.resetAndDestroy();
    keep(near);
    if (cut === "silence") waiting.push(near);
    else join(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    cut(how) {
      cut = how;
      for (const socket of sockets) {
        if (how === "reset") socket.resetAndDestroy();
        else socket.pause();
      }
    },
    heal() {
      cut = undefined;
      for (const socket of sockets) if (!waiting.includes(socket)) socket.resume();
      for (const near of waiting.splice(0)) join(near);
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
