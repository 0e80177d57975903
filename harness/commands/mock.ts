// wsproof mock: serves a document without a server of one's own.
import type { Command } from "commander";
import { defineFlags, type FlagValues, valuesOfFlags } from "./settings/flags.ts";
import { mockOptions } from "./settings/mock-options.ts";

const examples = `
Examples:
  wsproof mock                               rooms.v1 on port 9000
  wsproof mock --spec asyncapi.yaml --port 9000 --admin 9001
  wsproof mock --spec asyncapi.yaml --auth-secret "$JWT_SECRET" --seed 7
  wsproof mock --fault drops-message/ack/every-3 --latency 200

Faults; /every-N at the end limits one to each N-th message of a connection:
  drops-message/MESSAGE, duplicates-message/MESSAGE, reorders-messages/MESSAGE,
  delays-message/MESSAGE/MS, removes-field/MESSAGE/POINTER,
  retypes-field/MESSAGE/POINTER, leaks-field/MESSAGE, sends-text/MESSAGE,
  closes-instead-of/MESSAGE/CODE, closes-after/MESSAGE/CODE,
  cuts-instead-of/MESSAGE

With --admin PORT, as JSON with Content-Type: application/json:
  GET  /connections                          who is connected
  GET  /received                             the last frames of clients
  POST /send  {"message","with","connection"} push a message; with: {POINTER:
                                             VALUE}
  POST /close {"code","reason","connection"} close; without connection: all`;

export function registerMock(program: Command): void {
  const command = program
    .command("mock")
    .summary("serve a document: a mock server made from it alone")
    .description(
      "Serves an AsyncAPI document: handshake, replies, deliveries, errors, limits and close codes as the document declares them.",
    );
  defineFlags(command, mockOptions)
    .addHelpText("after", examples)
    .action(async (flags: FlagValues) => {
      const { runMock } = await import("./run-mock.ts");
      process.exitCode = await runMock(valuesOfFlags(mockOptions, flags));
    });
}
