// wsproof init: scaffolds a project whose server is typed by and tested against one document.
import type { Command } from "commander";

const examples = `
Examples:
  wsproof init board            a project in the folder board
  cd board && npm install && npm test

Writes asyncapi.yaml, a TypeScript server on ws with one handler per message,
a test of the server against the document, and a GitHub workflow that runs it.
Existing files are never overwritten: README.md and .gitignore are kept, and a
package.json that only npm has written to is completed.
Exit codes: 0 written, 2 another file already exists.`;

export function registerInit(program: Command): void {
  program
    .command("init")
    .summary("scaffold a new project: spec, typed server, test, CI workflow")
    .description("Scaffolds a small project: an AsyncAPI document, a server typed by it, a test, a CI workflow.")
    .argument("[dir]", "target folder; created if missing", ".")
    .addHelpText("after", examples)
    .action(async (dir: string) => {
      const { createProject } = await import("./init/create-project.ts");
      const { generate } = await import("../../scripts/codegen/generate.ts");
      const { done, source } = createProject(dir);
      await generate({
        file: `${dir}/asyncapi.yaml`,
        out: `${dir}/src/generated`,
        check: false,
        perspective: undefined,
        overlay: undefined,
      });
      const enter = dir === "." ? "" : `  cd ${dir}\n`;
      process.stdout.write(
        `${done.join("\n")}\nwrote src/generated/, from asyncapi.yaml\n${source.startsWith("file:") ? ofThisMachine(source) : ""}
Next:
${enter}  npm install
  npm test            tests the server against the document
  npm start           starts the server on port 8080

Then change asyncapi.yaml and run \`npm run generate\`: the compiler shows what is missing, \`npm test\` what fails.\n`,
      );
    });
}

const ofThisMachine = (source: string) => `
package.json takes wsproof from ${source}, where this one came from.
CI has no such file: give a version there before you push.\n`;
