// wsproof replay: runs one stored failing case again, step by step.
import type { Command } from "commander";
import type { ReplayFlags } from "../conformance/stateful/replay.ts";

const examples = `
Examples:
  wsproof replay 3f9a0c                                     at our own reference server
  wsproof replay 3f9a0c --url ws://127.0.0.1:8080/ws --auth-secret "$JWT_SECRET"

Exit codes: 0 FIXED, 1 FAILED, 2 ERROR: it could not be judged.`;

export function registerReplay(program: Command): void {
  program
    .command("replay")
    .summary("run a failing case again")
    .description("Runs a case that `verify` stored under .wsproof/failures again, and says FIXED, FAILED or ERROR.")
    .argument("<id>", "the failure's id, as verify printed it")
    .option("--url <url...>", "ws: or wss: URLs of the nodes (default: our own reference server, started for the run)")
    .option("--spec <file>", "the AsyncAPI document (default: the one that the failure names)")
    .option("--auth-secret <secret>", "mint JWTs with this shared secret")
    .option("--auth-token <token...>", "ready credentials")
    .option("--auth-command <command>", "a command that prints a credential for the user $WSPROOF_USER")
    .option("--origin <origin>", "the Origin header of all handshakes")
    .option("--insecure", "accept a TLS certificate that cannot be verified")
    .addHelpText("after", examples)
    .action(async (id: string, flags: ReplayFlags) => {
      const { replay } = await import("../conformance/stateful/replay.ts");
      process.exitCode = await replay(id, flags);
    });
}
