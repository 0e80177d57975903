// The project's own sources: files that git knows and new ones that it does not ignore.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Of the checkout, from the source and from dist/. */
export const projectRoot = (() => {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "package-lock.json"))) folder = path.dirname(folder);
  return folder;
})();

/** Paths from the project's root. A file that is removed and not yet committed is left out. */
export function trackedFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: projectRoot,
    encoding: "utf8",
  });
  return listed
    .trim()
    .split("\n")
    .filter((file) => existsSync(path.join(projectRoot, file)));
}

export const readTracked = (file: string): string => readFileSync(path.join(projectRoot, file), "utf8");

/** TypeScript that people write: nothing generated, nothing that `init` copies. Path -> text. */
export function ownSources({ tests }: { readonly tests: boolean }): ReadonlyMap<string, string> {
  const files = trackedFiles().filter(
    (file) =>
      /^(?:spec|scripts|reference|harness)\/.*\.ts$/.test(file) &&
      !/\.gen\.ts$|\/templates\//.test(file) &&
      (tests || !/\.test\.ts$/.test(file)),
  );
  return new Map(files.map((file) => [file, readTracked(file)]));
}
