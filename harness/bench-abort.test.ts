// A bench that is aborted leaves nothing behind that keeps the process alive.
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

const program = `
import { bench } from "./dist/harness/index.js";
const stop = new AbortController();
const error = await bench({
  durationMs: 600_000,
  scenario: process.argv[1],
  workers: Number(process.argv[2]),
  signal: stop.signal,
  onProgress: ({ step }) => step === "playing" && stop.abort(new Error("enough")),
}).catch((thrown) => thrown);
console.log(error.message);
`;

it.each([
  ["idle", "1"],
  ["fanout", "2"],
])(
  "%s on %s workers: the process ends by itself",
  (scenario, workers) => {
    const { signal, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program, scenario, workers], {
      encoding: "utf8",
      // Far below the 600 s of the run, far above what a loaded machine needs.
      timeout: 120_000,
    });
    expect({ signal, stdout, stderr }).toEqual({ signal: null, stdout: "enough\n", stderr: "" });
  },
  130_000,
);
