// npm run generate:commands
import { writeFileSync } from "node:fs";
import { emitCommandReference } from "./command-reference.ts";
import { createProgram } from "./program.ts";

writeFileSync("generated/COMMANDS.md", emitCommandReference(createProgram()));
