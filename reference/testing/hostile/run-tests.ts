// Runs test files of hostile peers by vitest, and counts what they tried.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface TestedFile {
  readonly file: string;
  /** First line of the file: what it shows. */
  readonly about: string;
  readonly tests: number;
  readonly failed: readonly string[];
}

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/** @param files from the project's root */
export function runTests(files: readonly string[]): TestedFile[] {
  const folder = mkdtempSync(join(tmpdir(), "wsproof-hostile-"));
  const output = join(folder, "tests.json");
  try {
    const args = ["run", "--reporter=json", `--outputFile=${output}`, ...files];
    spawnSync(join(root, "node_modules/.bin/vitest"), args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
    const report = JSON.parse(readFileSync(output, "utf8")) as {
      readonly testResults: readonly {
        readonly name: string;
        readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
      }[];
    };
    return files.map((file) => {
      const all = report.testResults.filter(({ name }) => name.endsWith(file)).flatMap((result) => result.assertionResults);
      const failed = all.filter(({ status }) => status !== "passed").map(({ fullName }) => fullName);
      const about = readFileSync(join(root, file), "utf8")
        .split("\n")[0]!
        .replace(/^\/\/ /, "")
        .replace(/\.$/, "");
      // A file that could not be loaded has no tests.
      return { file, about, tests: all.length, failed: all.length === 0 ? ["no test ran"] : failed };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
