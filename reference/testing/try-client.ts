// Runs the client against servers given as JSON [{ name, url }], on any platform with a global WebSocket or ws. Prints one JSON line: what happened at each.
import process from "node:process";
import { createClient } from "../client/client.ts";

/** What the client did at one server. */
export interface Trial {
  readonly name: string;
  readonly state: string;
  readonly invalid: number;
}

const [servers, trialMs, connectTimeoutMs] = JSON.parse(process.argv[2]!) as [
  readonly { name: string; url: string }[],
  number,
  number,
];
const escaped: string[] = [];
process.on("unhandledRejection", (error) => escaped.push(`unhandled rejection: ${error}`));
process.on("uncaughtException", (error) => escaped.push(`uncaught exception: ${error}`));

const trials = servers.map(({ name, url }) => {
  const client = createClient({ url, token: () => "token", connectTimeoutMs });
  const trial = { name, state: "", invalid: 0 };
  client.on("invalid", () => void trial.invalid++);
  client.on("message", () => Promise.reject(new Error("a listener that rejects")));
  client.connect();
  void client.join("a").catch(() => undefined);
  void client.chat("a", "x").catch(() => undefined);
  void client.ping(1).catch(() => undefined);
  return { client, trial };
});
setTimeout(() => {
  const done: Trial[] = trials.map(({ client, trial }) => ({ ...trial, state: client.state }));
  for (const { client } of trials) client.close();
  // What the end of the sockets throws must not escape either.
  setTimeout(
    () => process.stdout.write(`${JSON.stringify({ trials: done, escaped })}\n`, () => process.exit(escaped.length > 0 ? 1 : 0)),
    300,
  );
}, trialMs);
