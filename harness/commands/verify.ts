// wsproof verify: tests a server against its document.
import type { Command } from "commander";
import { defineFlags, type FlagValues, valuesOfFlags } from "./settings/flags.ts";
import { verifyOptions } from "./settings/verify-options.ts";

const examples = `
Examples:
  wsproof verify                             the reference server
  wsproof verify ws://127.0.0.1:8080/ws --auth-secret "$JWT_SECRET"
  wsproof verify wss://api.example/ws --spec api.yaml --auth-command ./token.sh
  wsproof verify --nodes 2                   two nodes on a private Redis
  wsproof verify --nodes 3 --faults 30 --messages 100000
  wsproof verify --list --phase handshake    the rules; needs no server
  wsproof verify ws://127.0.0.1:8080/ws --only handshake-origin --seed 7

Exit codes: 0 conformant, 1 findings, 2 could not run, 3 inconclusive.
All options can also be set in wsproof.config.yaml: url, spec, perspective,
overlay, auth, origin, insecure, pid, stopCommand and timeoutMs at the top,
the rest under verify: or bench:. Flags override the file.`;

export function registerVerify(program: Command): void {
  const command = program
    .command("verify")
    .summary("test a server against its AsyncAPI document")
    .description("Tests a server against its AsyncAPI document. Without a URL, starts the reference server and tests that.");
  defineFlags(command, verifyOptions)
    .addHelpText("after", examples)
    .action(async (urls: string[], flags: FlagValues) => {
      const [{ verify }, { drawSeed, loadVerifySettings }] = await Promise.all([
        import("./run-verify.ts"),
        import("./settings/verify-settings.ts"),
      ]);
      process.exitCode = await verify(loadVerifySettings(valuesOfFlags(verifyOptions, flags, urls), "flag", drawSeed()));
    });
}
