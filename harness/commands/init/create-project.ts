// Copies the templates into a folder, with the project's name and our version put in.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../schema/errors.ts";
import { ownVersion } from "../../schema/version.ts";

const templates = fileURLToPath(new URL("./templates", import.meta.url));

/**
 * Writes all files, or none.
 * @returns what it wrote, relative to `folder`
 * @throws UsageError where a file is there already or the folder cannot be written
 */
export function createProject(folder: string): readonly string[] {
  const names = readdirSync(templates, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(templates, path.join(entry.parentPath, entry.name)))
    .sort();
  const files = names.map((name) => ({ from: path.join(templates, name), to: plainName(name) }));
  const inTheWay = [...files.map(({ to }) => to), "src/generated"].filter((to) => existsSync(path.join(folder, to)));
  if (inTheWay.length > 0) {
    throw new UsageError(
      `${folder} has ${inTheWay.join(", ")} already, and nothing was written; give a new folder: wsproof init NAME`,
    );
  }
  const values: Readonly<Record<string, string>> = {
    name: packageName(path.basename(path.resolve(folder))),
    version: ownVersion(),
  };
  try {
    for (const { from, to } of files) {
      const text = readFileSync(from, "utf8").replace(/\{\{(name|version)\}\}/g, (_, key: string) => values[key]!);
      mkdirSync(path.dirname(path.join(folder, to)), { recursive: true });
      writeFileSync(path.join(folder, to), text, { flag: "wx" });
    }
  } catch (error) {
    throw new UsageError(`cannot write into ${folder}: ${(error as Error).message}; give a folder that you may write to`);
  }
  return files.map(({ to }) => to);
}

/** `_gitignore` -> `.gitignore`, `_package.json` -> `package.json`: under their own names npm would read these, or leave them out. */
function plainName(name: string): string {
  return name
    .replaceAll(path.sep, "/")
    .replace(/^_package/, "package")
    .replace(/^_/, ".");
}

/** What npm takes as a name: lower case, digits, dashes. */
function packageName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name === "" || name === "wsproof" ? "my-protocol" : name;
}
