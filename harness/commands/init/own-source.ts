// Where npm finds this very package again: in the registry, or in the tarball or folder that it was installed from.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ownVersion } from "../../schema/version.ts";

const up = import.meta.url.includes("/dist/") ? "../../../../" : "../../../";

/** @returns what a package.json says for it: a range of versions, or `file:` and an absolute path */
export function ownSource(root = fileURLToPath(new URL(up, import.meta.url))): string {
  const modules = path.dirname(path.resolve(root));
  if (path.basename(modules) !== "node_modules") return `file:${path.resolve(root)}`; // a checkout
  const lock = path.join(modules, ".package-lock.json");
  try {
    const { resolved } = JSON.parse(readFileSync(lock, "utf8")).packages["node_modules/wsproof"];
    const file = path.resolve(path.dirname(modules), /^file:(.+)$/.exec(resolved)![1]!);
    if (existsSync(file)) return `file:${file}`;
  } catch {
    // From the registry, or by another package manager.
  }
  return `^${ownVersion()}`;
}
