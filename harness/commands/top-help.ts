// What `wsproof --help` prints, from the reference of commands: no command needs to be loaded for it, so that it is quick.
import { readFileSync } from "node:fs";

/** The first block of COMMANDS.md; a test holds it against the commands themselves. */
export function topHelp(): string {
  const [, text = ""] =
    /```text\n(.*?)\n```/s.exec(readFileSync(new URL("../../generated/COMMANDS.md", import.meta.url), "utf8")) ?? [];
  return `${text}\n`;
}
