// The servers under mutation testing: the honest one, and the test server with one switch on, each started once.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ReferenceProcess, startReferenceProcess } from "../testbed/reference-process.ts";

/** Short times and small limits, so that rules which wait for them end soon. The server advertises them. */
export const shortTimes: Readonly<Record<string, string>> = {
  HEARTBEAT_INTERVAL_MS: "2500",
  HEARTBEAT_TIMEOUT_MS: "2500",
  TOKEN_GRACE_MS: "2500",
  MEMBERS_PER_ROOM: "12",
  ROOMS_PER_CONNECTION: "15",
  CONNECTIONS_PER_USER: "5",
  DRAIN_MS: "500",
};

export interface ServerChoice {
  /** A fault switch of the test server; undefined: the honest server. */
  readonly switchName?: string;
  /** Of the switch. Without a switch, each value names another honest server. */
  readonly argument?: string | number;
}

export interface Servers {
  /** Starts it at the first call. @throws TargetLost if it does not start, for example because it does not know the switch */
  of(choice: ServerChoice): Promise<ReferenceProcess>;
  /** Starts a new one, for rules that end it. The caller stops it. */
  fresh(choice: ServerChoice): Promise<ReferenceProcess>;
  end(): Promise<void>;
}

/** @param path of the WebSocket endpoint @param env default: short times */
export function createServers(path: string, env = shortTimes): Servers {
  const started = new Map<string, Promise<ReferenceProcess>>();
  const fresh = ({ switchName, argument }: ServerChoice): Promise<ReferenceProcess> =>
    startReferenceProcess({
      path,
      env: { ...env, ...(switchName === undefined ? {} : { FAULT: switchName, FAULT_ARGUMENT: `${argument ?? ""}` }) },
      ...(switchName === undefined ? {} : { main: builtProgram("testing/test-server.js") }),
    });
  return {
    fresh,
    of(choice) {
      const key = JSON.stringify(choice);
      const known = started.get(key) ?? fresh(choice);
      started.set(key, known);
      return known;
    },
    async end() {
      const all = await Promise.allSettled(started.values());
      await Promise.all(all.map((one) => (one.status === "fulfilled" ? one.value.stop() : undefined)));
    },
  };
}

/** From source and from dist/ alike: the program is always the built one. */
export function builtProgram(name: string): string {
  const built = new URL(`../../reference/${name}`, import.meta.url);
  return fileURLToPath(existsSync(built) ? built : new URL(`../../dist/reference/${name}`, import.meta.url));
}
