// The frame rules against servers that we did not write: ws, and python3-websockets, which shares no code with us. Every difference is explained.
import { execFile, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const report = path.join(tmpdir(), `wsproof-witness-${process.pid}.json`);
afterAll(() => rmSync(report, { force: true }));

const wsEcho = `
  import { WebSocketServer } from "ws";
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(String(data)));
    socket.on("error", () => undefined);
  });
  server.on("listening", () => console.log(server.address().port));
`;

/** Rules that the witness does not keep -> why. */
const witnesses: Readonly<
  Record<string, { readonly command: readonly string[]; readonly breaks: Readonly<Record<string, string>> }>
> = {
  ws: {
    command: [process.execPath, "--input-type=module", "-e", wsEcho],
    breaks: {
      "frames-opening-host-missing": "ws leaves the head to node:http, which asks for Host in requests but not in upgrades",
      "frames-opening-http-1-0": "ws does not look at the version of HTTP",
    },
  },
  "python3-websockets": {
    command: ["/usr/bin/python3", fileURLToPath(new URL("./frames.witness.py", import.meta.url))],
    breaks: {
      "frames-opening-host-missing": "it does not look at Host",
      "frames-opening-version-unknown": "it refuses with 400, but does not name the version that it speaks, as section 4.4 wants",
    },
  },
};

test.each(Object.entries(witnesses))("%s keeps the frame rules but for what is explained", async (_, { command, breaks }) => {
  const server = spawn(command[0]!, command.slice(1), { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const port = await new Promise<string>((resolve) => server.stdout.once("data", (data) => resolve(String(data).trim())));
    const args = [
      "verify",
      `ws://127.0.0.1:${port}/`,
      "--spec",
      `${root}spec/examples/echo/asyncapi.yaml`,
      "--phase",
      "frames",
      "--json",
      report,
    ];
    await new Promise((resolve) => execFile(process.execPath, [`${root}dist/harness/cli.js`, ...args], { cwd: root }, resolve));
    const { rules } = JSON.parse(readFileSync(report, "utf8")) as { rules: { id: string; verdict: string }[] };
    const broken = rules.filter(({ verdict }) => verdict === "fail" || verdict === "warn").map(({ id }) => id);
    expect(broken.sort()).toEqual(Object.keys(breaks).sort());
    expect(rules.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(85);
    expect(rules.filter(({ verdict }) => verdict === "inconclusive" || verdict === "not-testable")).toEqual([]);
  } finally {
    server.kill("SIGKILL");
  }
});
