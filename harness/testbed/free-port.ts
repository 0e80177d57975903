// A free port on 127.0.0.1 for a program that is started next.
import getPort, { portNumbers } from "get-port";

/** Lies below the ports that the system gives to outgoing connections, so that none of them takes it in between. */
export function freePort(): Promise<number> {
  const lowest = 12_000 + Math.floor(Math.random() * 19_000);
  return getPort({ host: "127.0.0.1", port: portNumbers(lowest, 32_000) });
}
