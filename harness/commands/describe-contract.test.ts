// describeContract: one test a rule, which passes, fails with the failure's text, or is skipped with its reason.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ReferenceProcess, startReferenceProcess } from "../testbed/reference-process.ts";
import { describeContract } from "./describe-contract.ts";

let server: ReferenceProcess;
beforeAll(async () => {
  const main = fileURLToPath(new URL("../../dist/reference/testing/test-server.js", import.meta.url));
  server = await startReferenceProcess({ path: "/ws", main, env: { FAULT: "repeats-credential" } });
});
afterAll(() => server.stop());

it("gives each rule that applies its test", async () => {
  const suites: string[] = [];
  const tests = new Map<string, (skip: (reason: string) => void) => Promise<void>>();
  await describeContract({
    url: async () => server.url,
    auth: { secret: server.secret },
    only: ["handshake-credential-not-repeated", "handshake-credential-missing", "handshake-compression-usable"],
    seed: 3,
    runner: {
      describe: (name, body) => {
        suites.push(name);
        body();
      },
      test: (name, _timeoutMs, body) => tests.set(name.split(":")[0]!, body),
    },
  });
  expect(suites).toEqual(["rooms.v1 1.0.0"]);
  const outcomes = new Map<string, string>();
  for (const [id, body] of tests) {
    const skip = (reason: string) => void outcomes.set(id, `skipped: ${reason}`);
    await body(skip).then(
      () => outcomes.has(id) || outcomes.set(id, "passed"),
      (error: Error) => outcomes.set(id, `failed: ${error.message}`),
    );
  }
  expect([...outcomes.keys()].sort()).toEqual([
    ...["handshake-compression-usable", "handshake-credential-missing-rejected", "handshake-credential-not-repeated"],
  ]);
  expect(outcomes.get("handshake-credential-missing-rejected")).toBe("passed");
  expect(outcomes.get("handshake-credential-not-repeated")).toMatch(/^failed: handshake-credential-not-repeated {2}MUST/);
  expect(outcomes.get("handshake-compression-usable")).toMatch(/^skipped: /);
});

it("says what is wrong with an option when the suite is defined", async () => {
  await expect(describeContract({ runs: 0 })).rejects.toThrow("expected runs from 1 to 1000000, got 0");
});
