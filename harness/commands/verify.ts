// wsproof verify: judges a server by its document.
import type { Command } from "commander";
import type { Flags } from "../conformance/settings.ts";
import { addTargetOptions, collect } from "./target-options.ts";

const examples = `
Examples:
  wsproof verify                                        our own reference server, started for the run
  wsproof verify ws://127.0.0.1:8080/ws --auth-secret "$JWT_SECRET"
  wsproof verify wss://api.example/ws --spec api.yaml --auth-command "./token.sh" --origin https://app.example
  wsproof verify --nodes 2                              two nodes behind a Redis, all started for the run
  wsproof verify --nodes 3 --faults 30 --messages 100000
  wsproof verify --list --phase handshake               what would be judged; needs no server
  wsproof verify ws://127.0.0.1:8080/ws --only handshake-refusal --seed 7

Exit codes: 0 conformant, 1 findings, 2 could not run, 3 nothing proven or inconclusive.
Settings may also stand in wsproof.config.yaml: urls, spec, perspective, overlay, origin, auth: { secret | tokens | command },
timeoutMs, insecure, pid, stopCommand. Flags win.`;

export function registerVerify(program: Command): void {
  const command = program
    .command("verify")
    .summary("judge a server by its document")
    .description("Judges a server by its AsyncAPI document. Without a URL it starts the reference server and judges that.")
    .argument("[url...]", "ws: or wss: URLs of the nodes of one service");
  addTargetOptions(command)
    .option("--pid <pid>", "the server's process, for the phase shutdown")
    .option("--stop-command <command>", "asks the server to stop, for the phase shutdown")
    .option("--only <id>", "only rules whose id begins so; may be given several times", collect)
    .option("--phase <name>", "only this phase; may be given several times", collect)
    .option("--seed <number>", "of everything random (default: drawn, and printed)")
    .option("--runs <count>", "random cases of a phase, from 1 (default: 100)")
    .option("--timeout <ms>", "how long to wait for what must come (default: 5000)")
    .option("--nodes <count>", "start so many nodes of the reference server behind a Redis of its own, and judge them")
    .option(
      "--faults [count]",
      "with --nodes (default: 3): kill, pause and cut them off while the phase cluster runs (default: 12)",
    )
    .option("--messages <count>", "to be acknowledged while faults are planted (default: 5000)")
    .option("--strict", "SHOULD counts, and so does what could not be tested")
    .option("--list", "print the rules and end")
    .option("--baseline <file>", "known failures, a YAML list of { id, reason }: they run, but do not count")
    .option("--json <file>", "write the report as JSON")
    .option("--junit <file>", "write the report as JUnit XML, for CI")
    .option("--html <file>", "write the report as one page for people")
    .option("--history <file>", "write all that connections did as NDJSON")
    .addHelpText("after", examples)
    .action(async (urls: string[], flags: Flags) => {
      const { verify } = await import("../conformance/verify.ts");
      process.exitCode = await verify(urls, flags);
    });
}
