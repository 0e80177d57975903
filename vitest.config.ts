import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{spec,scripts,generated,reference,harness}/**/*.test.ts"],
    // Generous, because the machines are shared: a test waits for frames and injected clocks, never for the time to pass.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    globalSetup: ["scripts/build-before-tests.ts", "scripts/install-before-tests.ts"],
  },
});
