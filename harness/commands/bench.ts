// wsproof bench: load-tests a server, and checks that it is still correct under load.
import type { Command } from "commander";
import { scenarios } from "../load/scenarios.ts";
import { benchOptions } from "./settings/bench-options.ts";
import { defineFlags, type FlagValues, valuesOfFlags } from "./settings/flags.ts";

const examples = `
Scenarios (--scenario):
${[...scenarios.values()].map(({ name, help }) => `  ${name.padEnd(11)} ${help.join(`\n${" ".repeat(14)}`)}`).join("\n")}

Examples:
  wsproof bench                       the reference server, started for the run
  wsproof bench --members 200 --rate 500 --duration 30s
  wsproof bench ws://127.0.0.1:8080/ws --auth-secret "$JWT_SECRET" \\
    --fail-on 'p99>50ms,lost>0'
  wsproof bench ws://127.0.0.1:8080/ws --find-capacity 'p99<50ms'
  wsproof bench --scenario mixed --weight chat=5 --weight typing=1
  wsproof bench --scenario idle --connections 2000
  wsproof bench --json after.json --compare before.json --html bench.html

Exit codes: 0 passed, 1 a threshold or a delivery failed, 2 could not run,
3 invalid (the generator was the bottleneck) or nothing measured.
All options can also be set in wsproof.config.yaml, see wsproof verify --help.`;

export function registerBench(program: Command): void {
  const command = program
    .command("bench")
    .summary("load-test a server and check every delivery")
    .description(
      "Load-tests a server by its AsyncAPI document and checks what it delivers. Without a URL, starts the reference server and tests that.",
    );
  command
    .command("merge")
    .summary("add up the results of all shards")
    .description("Adds up the --json files of all shards of one run, exactly, and checks what was lost across them.")
    .argument("<files...>", "the --json file of each shard")
    .option("--fail-on <conditions>", "exit 1 if any condition is met, e.g. 'p99>50ms,lost>0'")
    .option("--json <file>", "write the merged result as JSON")
    .action(async (files: string[], _options: unknown, merge: Command) => {
      // The options of bench itself have the same names, and commander hands them to bench.
      const { failOn, json } = merge.optsWithGlobals<{ readonly failOn?: string; readonly json?: string }>();
      const [{ mergeBench }, { parseThresholds }] = await Promise.all([
        import("./run-bench.ts"),
        import("../load/thresholds.ts"),
      ]);
      process.exitCode = mergeBench({ files, failOn: failOn === undefined ? [] : parseThresholds(failOn), json });
    });
  defineFlags(command, benchOptions)
    .addHelpText("after", examples)
    .action(async (urls: string[], flags: FlagValues) => {
      const [{ bench }, { loadBenchSettings }] = await Promise.all([
        import("./run-bench.ts"),
        import("./settings/bench-settings.ts"),
      ]);
      const settings = loadBenchSettings(valuesOfFlags(benchOptions, flags, urls), "flag", Date.now() % 1_000_000);
      process.exitCode = await bench(settings);
    });
}
