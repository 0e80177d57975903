// wsproof record: a proxy that records what passes through it.
import type { Command } from "commander";
import { defineFlags, type FlagValues, valuesOfFlags } from "./settings/flags.ts";
import { recordOptions } from "./settings/record-options.ts";

const examples = `
Examples:
  wsproof record ws://127.0.0.1:8080 --listen 9000 -o traffic.ndjson
  wsproof record wss://api.example --mask /payload/token
  wsproof record ws://127.0.0.1:8080 --check --spec asyncapi.yaml

Clients connect to the port of --listen, with their usual path. Bytes pass
unchanged in both directions, except that the Host header names the target and
the offer of compression is removed. Stop it with Ctrl-C.`;

export function registerRecord(program: Command): void {
  const command = program
    .command("record")
    .summary("record what clients and a server send each other")
    .description("Starts a proxy in front of a WebSocket server and records every connection through it.")
    .argument("<url>", "ws: or wss: URL of the server");
  defineFlags(command, recordOptions)
    .addHelpText("after", examples)
    .action(async (url: string, flags: FlagValues) => {
      const { runRecord } = await import("./run-record.ts");
      process.exitCode = await runRecord(url, valuesOfFlags(recordOptions, flags));
    });
}
