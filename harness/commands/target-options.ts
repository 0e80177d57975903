// The options that name a server, its document and its credentials: the same for all commands that talk to one.
import type { Command } from "commander";

export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds them to a command, in the order in which help shows them. */
export function addTargetOptions(command: Command): Command {
  return command
    .option("--spec <file>", "the AsyncAPI document (default: the one of rooms.v1)")
    .option("--perspective <side>", "whose send and receive the document speaks of: server or client")
    .option("--overlay <file>", "a file with x- keys for a document that is not yours")
    .option("--config <file>", "settings (default: wsproof.config.yaml, where there is one)")
    .option("--auth-secret <secret>", "mint JWTs with this shared secret")
    .option("--auth-token <token>", "a ready credential; may be given several times", collect)
    .option("--auth-command <command>", "a command that prints a credential for the user $WSPROOF_USER")
    .option("--origin <origin>", "the Origin header of all handshakes")
    .option("--insecure", "accept a TLS certificate that cannot be verified");
}
