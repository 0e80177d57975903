// wsproof init: a new project whose server is typed and judged by one document.
import type { Command } from "commander";

const examples = `
Examples:
  wsproof init board            a project in the folder board
  cd board && npm install && npm test

It writes asyncapi.yaml, a server in TypeScript on ws with a handler a message, a test that has the server judged by the
document, and a GitHub workflow that runs the test. Files that are there already are never overwritten.
Exit codes: 0 written, 2 a file is in the way.`;

export function registerInit(program: Command): void {
  program
    .command("init")
    .summary("begin a project: a document, a server, a test")
    .description("Writes a small project: an AsyncAPI document, a server typed by it, a test that judges the server, a CI file.")
    .argument("[dir]", "where; made where there is none", ".")
    .addHelpText("after", examples)
    .action(async (dir: string) => {
      const { createProject } = await import("./init/create-project.ts");
      const { generate } = await import("../../scripts/codegen/generate.ts");
      const written = createProject(dir);
      await generate({
        file: `${dir}/asyncapi.yaml`,
        out: `${dir}/src/generated`,
        check: false,
        perspective: undefined,
        overlay: undefined,
      });
      const enter = dir === "." ? "" : `  cd ${dir}\n`;
      process.stdout.write(
        `${written.map((file) => `wrote ${file}\n`).join("")}wrote src/generated/, from asyncapi.yaml\n
Next:
${enter}  npm install
  npm test            judges the server by the document
  npm start           starts it on port 8080

Then change asyncapi.yaml and run \`npm run generate\`: the compiler shows what the server lacks, \`npm test\` what it breaks.\n`,
      );
    });
}
