// After tsc: makes the program executable, and copies what it does not write (document, validators and their .d.ts, pages, Lua, templates) to the same place under dist/. Removes what has no source any more.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const skip = /(?<!\.d)\.ts$|^fixtures$|^node_modules$/;
/** Under templates even TypeScript is text. */
const isTemplate = (folder: string) => folder.split(path.sep).includes("templates");

function copy(folder: string): void {
  for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
    if (skip.test(entry.name) && !isTemplate(folder)) continue;
    const from = path.join(folder, entry.name);
    if (entry.isDirectory()) copy(from);
    else {
      mkdirSync(path.join(root, "dist", folder), { recursive: true });
      cpSync(path.join(root, from), path.join(root, "dist", from));
    }
  }
}

/** What was compiled or copied from a file that is gone would else be packed and run. */
function removeStale(folder: string): void {
  for (const entry of readdirSync(path.join(root, "dist", folder), { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) removeStale(file);
    else if (![file, file.replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts")].some((source) => existsSync(path.join(root, source)))) {
      rmSync(path.join(root, "dist", file));
    }
  }
}

for (const folder of ["spec", "generated", "reference", "harness"]) copy(folder);
// In a user's project the dependencies stand beside this package, not below it.
const editorSchema = path.join(root, "dist/spec/editor.schema.json");
writeFileSync(editorSchema, readFileSync(editorSchema, "utf8").replaceAll("../node_modules/", "../../../"));
for (const folder of ["spec", "scripts", "generated", "reference", "harness"]) removeStale(folder);
// npm makes a package's program executable when it installs it; in a checkout nobody else does.
chmodSync(path.join(root, "dist/harness/cli.js"), 0o755);
