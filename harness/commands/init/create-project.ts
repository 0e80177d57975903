// Copies the templates into a folder, with the project's name and the source of our package put in.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../schema/errors.ts";
import { ownSource } from "./own-source.ts";
import { completeManifest, readStartedManifest } from "./started-manifest.ts";

const templates = fileURLToPath(new URL("./templates", import.meta.url));
/** What a folder may hold before: it stays as it is. */
const keepable = ["README.md", ".gitignore"];

interface CreatedProject {
  /** What was done with each file, such as "wrote tsconfig.json". Paths are relative to the folder. */
  readonly done: readonly string[];
  /** What package.json asks npm for: a range of versions, or `file:` and a path. */
  readonly source: string;
}

/**
 * Writes all files, or none. A package.json that holds only what `npm init` and `npm install` write is completed.
 * @throws UsageError where another file is there already or the folder cannot be written
 */
export function createProject(folder: string): CreatedProject {
  const isThere = (name: string) => existsSync(path.join(folder, name));
  const files = readdirSync(templates, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(templates, path.join(entry.parentPath, entry.name)))
    .sort()
    .map((name) => ({ from: path.join(templates, name), to: plainName(name) }));
  const started = readStartedManifest(path.join(folder, "package.json"));
  const inTheWay = [...files.map(({ to }) => to), "src/generated"]
    .filter((to) => !keepable.includes(to) && !(to === "package.json" && started !== undefined))
    .filter(isThere);
  if (inTheWay.length > 0) {
    throw new UsageError(
      `${folder} has ${inTheWay.join(", ")} already, and nothing was written; give a new folder: wsproof init NAME`,
    );
  }
  const source = ownSource();
  const values: Readonly<Record<string, string>> = { name: packageName(path.basename(path.resolve(folder))), source };
  try {
    const done = files.map(({ from, to }) => {
      const target = path.join(folder, to);
      if (keepable.includes(to) && isThere(to)) return `kept ${to}`;
      const text = readFileSync(from, "utf8").replace(/\{\{(name|source)\}\}/g, (_, key: string) => values[key]!);
      if (to === "package.json" && started !== undefined) {
        writeFileSync(target, completeManifest(started, text));
        return `completed ${to}`;
      }
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, text, { flag: "wx" });
      return `wrote ${to}`;
    });
    return { done, source };
  } catch (error) {
    throw new UsageError(`cannot write into ${folder}: ${(error as Error).message}; give a folder that you may write to`);
  }
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
