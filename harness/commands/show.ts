// wsproof show: a report or a history as a page in the browser.
import type { Command } from "commander";

const examples = `
Examples:
  wsproof show report.json              the page that verify --html writes
  wsproof show history.ndjson           timelines of all connections and faults
  wsproof show history.ndjson --out trace.html

The page is opened in the browser when stdout is a terminal.`;

export function registerShow(program: Command): void {
  program
    .command("show")
    .summary("show a report or a trace as a page")
    .description("Writes a report of `verify --json`, or a trace of `verify --history`, as a self-contained HTML page.")
    .argument("<file>", "report (.json), trace (.ndjson) or HAR file (.har)")
    .option("--out <file>", "HTML file to write (default: in the temporary folder)")
    .addHelpText("after", examples)
    .action(async (file: string, { out }: { readonly out?: string }) => {
      const { show } = await import("./show-page.ts");
      await show(file, out);
    });
}
