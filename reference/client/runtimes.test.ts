// The client in a process of its own among hostile servers on TCP, with the sockets of this Node. Other versions: npm run test:nodes.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("../../dist/reference/testing/try-hostile-servers.js", import.meta.url));

test("the client stays within the bounds of every hostile server, and no error escapes", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, process.execPath]);
  expect(stdout).toMatch(/^\d\d hostile servers, within all bounds\n$/);
});
