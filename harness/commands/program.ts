// The commands and how each looks on the command line. Help, completion and COMMANDS.md are made from this.
import { Command } from "commander";
import { ownVersion } from "../schema/version.ts";
import { registerBench } from "./bench.ts";
import { registerCheck } from "./check.ts";
import { registerCompletion } from "./completion.ts";
import { registerDiff } from "./diff.ts";
import { registerGenerate } from "./generate.ts";
import { registerInfer } from "./infer.ts";
import { registerInit } from "./init.ts";
import { registerLint } from "./lint.ts";
import { registerMock } from "./mock.ts";
import { registerRecord } from "./record.ts";
import { registerReplay } from "./replay.ts";
import { registerServe } from "./serve.ts";
import { registerShow } from "./show.ts";
import { registerVerify } from "./verify.ts";

/** Each command registers itself, and loads what it needs only when it runs, so that --help is quick. */
export function createProgram(): Command {
  const program = new Command("wsproof")
    .description("Describe your WebSocket protocol once, in AsyncAPI. Test any server against it.")
    .version(ownVersion())
    .addHelpText("after", "\nStart with `wsproof init my-server`. Guides are in spec/guides of the package.")
    .showHelpAfterError("Run `wsproof --help` or `wsproof COMMAND --help` for usage.")
    .exitOverride();
  const commands = [
    registerInit,
    registerVerify,
    registerBench,
    registerReplay,
    registerShow,
    registerServe,
    registerMock,
    registerRecord,
    registerCheck,
    registerInfer,
    registerGenerate,
    registerLint,
    registerDiff,
    registerCompletion,
  ];
  for (const register of commands) register(program);
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  return program;
}
