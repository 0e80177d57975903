import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { TargetLost } from "../schema/errors.ts";
import { startReferenceProcess } from "./reference-process.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-embedded-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(text: string): string {
  const file = path.join(folder, "main.mjs");
  writeFileSync(file, text);
  return file;
}

it("says what the server wrote when it does not come up", async () => {
  const main = program("console.error('no room for me'); process.exit(3);");
  const error = await startReferenceProcess({ path: "/ws", main }).catch((one) => one);
  expect(error).toBeInstanceOf(TargetLost);
  expect(error.message).toMatch(
    /did not come up\. The server's process ended with exit code 3\. The end of its stderr:\nno room for me/,
  );
});

it("gives up on a server that never listens, and leaves no process behind", async () => {
  const main = program("setInterval(() => undefined, 1000); process.on('disconnect', () => process.exit());");
  await expect(startReferenceProcess({ path: "/ws", main, startMs: 300 })).rejects.toThrow(/did not listen within 300 ms/);
});

it("starts the reference, knows that it runs, and ends it", async () => {
  const server = await startReferenceProcess({ path: "/ws" });
  expect(server.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/ws$/);
  expect(server.secret.length).toBeGreaterThanOrEqual(32);
  expect(server.exitReason()).toBeUndefined();
  await server.stop();
  expect(server.exitReason()).toMatch(/exit code 0/);
  await server.stop();
  expect(() => process.kill(server.pid, 0)).toThrow("ESRCH");
});
