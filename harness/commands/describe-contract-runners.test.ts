// describeContract as users run it: with the built package, in a process of vitest and of node:test.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ReferenceProcess, startReferenceProcess } from "../testbed/reference-process.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-runners-"));
const file = path.join(folder, "contract.test.mjs");
let server: ReferenceProcess;
beforeAll(async () => {
  const main = path.join(root, "dist/reference/testing/test-server.js");
  server = await startReferenceProcess({ path: "/ws", main, env: { FAULT: "repeats-credential" } });
  writeFileSync(
    file,
    `import { describeContract } from ${JSON.stringify(path.join(root, "dist/harness/index.js"))};
    await describeContract({
      url: ${JSON.stringify(server.url)},
      auth: { secret: ${JSON.stringify(server.secret)} },
      only: ["handshake-credential-not-repeated", "handshake-credential-missing", "handshake-compression-usable"],
      seed: 3,
    });`,
  );
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** What the runner printed; it ends with an error, because one rule fails. */
function run(...args: readonly string[]): Promise<{ readonly failed: boolean; readonly text: string }> {
  const env = { PATH: process.env.PATH, NO_COLOR: "1" };
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: folder, env, timeout: 100_000 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, text: stdout + stderr }),
    ),
  );
}

it("node:test shows one passed, one failed and one skipped rule", async () => {
  const { failed, text } = await run("--test", "--test-reporter=tap", file);
  expect(failed, text).toBe(true);
  expect(text).toMatch(/# Subtest: rooms\.v1 1\.0\.0/);
  expect(text).toMatch(/^ *ok \d+ - handshake-credential-missing-rejected: .*\(MUST\)$/m);
  expect(text).toMatch(/^ *not ok \d+ - handshake-credential-not-repeated: /m);
  expect(text).toMatch(/^ *ok \d+ - handshake-compression-usable: .* # SKIP \S/m);
  expect(text).toMatch(/# pass 1\n[\s\S]*# fail 1\n[\s\S]*# skipped 1\n/);
}, 120_000);

it("vitest shows one passed, one failed and one skipped rule", async () => {
  const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
  const { failed, text } = await run(vitest, "run", "--root", folder, "--reporter", "verbose");
  expect(failed, text).toBe(true);
  expect(text).toMatch(/✓ .*handshake-credential-missing-rejected: /);
  expect(text).toMatch(/× .*handshake-credential-not-repeated: /);
  expect(text).toMatch(/↓ .*handshake-compression-usable: /);
  expect(text).toMatch(/Tests +1 failed \| 1 passed \| 1 skipped/);
}, 120_000);
