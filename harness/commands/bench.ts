// wsproof bench: how much a server holds, and whether it is still correct there.
import type { Command } from "commander";
import type { BenchFlags } from "../load/settings.ts";
import { addTargetOptions, collect } from "./target-options.ts";

const examples = `
Scenarios (--scenario; default: fanout where the document has a log, else echo):
  fanout      rooms x members x rate: each member must get each message once and in order
  publish     the HTTP operation that publishes, driven by autocannon; members measure the delivery
  echo        a request to its reply
  mixed       operations of the document by weight
  handshake   connections accepted at a rate, then refused upgrades by autocannon
  idle        connections held: memory of each (--pid, or our own server), heartbeats answered

Examples:
  wsproof bench                                          our own reference server, started for the run
  wsproof bench --members 200 --rate 500 --duration 30
  wsproof bench ws://127.0.0.1:8080/ws --auth-secret "$JWT_SECRET" --fail-on 'p99>50ms,lost>0'
  wsproof bench ws://127.0.0.1:8080/ws --find-capacity 'p99<50ms'
  wsproof bench --scenario mixed --weight chat=5 --weight typing=1 --connections 500
  wsproof bench --scenario idle --connections 2000
  wsproof bench --json after.json --compare before.json --html bench.html

Exit codes: 0 held, 1 a threshold or a delivery failed, 2 could not run, 3 invalid (the generator was the bottleneck) or nothing measured.
Settings of the target may also stand in wsproof.config.yaml, as for verify.`;

export function registerBench(program: Command): void {
  const command = program
    .command("bench")
    .summary("put a server under load, and check what it delivers")
    .description(
      "Puts a server under load by its AsyncAPI document, and checks what it delivers. Without a URL it starts the reference server.",
    )
    .argument("[url...]", "ws: or wss: URLs of the nodes of one service")
    .option("--scenario <name>", "handshake, publish, echo, fanout, mixed or idle")
    .option("--connections <count>", "of handshake over HTTP, publish, echo, mixed and idle (default: 100)")
    .option("--rooms <count>", "logs that members join (default: 1)")
    .option("--members <count>", "of each room (default: 100)")
    .option("--rate <perSecond>", "operations sent per second over all connections, whatever comes back (default: 50)")
    .option("--in-flight <count>", "in place of --rate: so many unanswered of each room or connection, as fast as answers come")
    .option("--duration <time>", "what is measured, such as 30, 30s or 2m (default: 10)")
    .option("--warm-up <time>", "before it, not measured (default: 2)")
    .option("--workers <count>", "threads of the generator (default: 1)")
    .option("--payload <bytes>", "of the free text of each message (default: 64)")
    .option("--weight <operation=number>", "how often mixed chooses an operation; may be given several times", collect)
    .option("--find-capacity <conditions>", "search the highest rate at which they hold, such as 'p99<50ms'; it must hold twice")
    .option("--fail-on <conditions>", "exit with 1 where one comes about, such as 'p99>50ms,lost>0'")
    .option("--percentiles", "print fifteen percentiles of the latency");
  addTargetOptions(command)
    .option("--pid <pid>", "the server's process, for its memory")
    .option("--nodes <count>", "start so many nodes of the reference server behind a Redis of its own")
    .option("--seed <number>", "of what is chosen at random (default: drawn)")
    .option("--timeout <ms>", "how long to wait for what must come (default: 5000)")
    .option("--json <file>", "write the result as JSON, in autocannon's shape")
    .option("--html <file>", "write the result as one page with its plots")
    .option("--compare <file>", "an earlier --json: print what is better and worse, and plot both")
    .addHelpText("after", examples)
    .action(async (urls: string[], flags: BenchFlags) => {
      const { bench } = await import("../load/bench.ts");
      process.exitCode = await bench(urls, flags);
    });
}
