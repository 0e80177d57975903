// Targets that cannot be checked, or not to the end: each gives one paragraph and the right exit code, within a bounded time.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "../testbed/free-port.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const cli = `${root}dist/harness/cli.js`;
const spec = `${root}spec/examples/echo/asyncapi.yaml`;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function wsproof(...args: string[]): Promise<Ended> {
  return new Promise((resolve) =>
    execFile(process.execPath, [cli, ...args], { cwd: root, env: { ...process.env, NO_COLOR: "1" } }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr }),
    ),
  );
}

const verifyEcho = (url: string, ...args: string[]) => wsproof("verify", url, "--spec", spec, "--phase", "handshake", ...args);

function listen(server: net.Server): Promise<string> {
  closers.push(() => server.close());
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(`ws://127.0.0.1:${(server.address() as net.AddressInfo).port}/`)),
  );
}

function onConnection(serve: (socket: net.Socket) => void): Promise<string> {
  return listen(
    net.createServer((socket) => {
      socket.on("error", () => undefined);
      closers.push(() => socket.destroy());
      serve(socket);
    }),
  );
}

/** An echo server in a process of its own. `body` runs at each connection; `count` is its number from 1. */
function echoProcess(body: string): Promise<string> {
  const program = `
    import { WebSocketServer } from "ws";
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    let count = 0;
    server.on("connection", (socket, request) => {
      count++;
      socket.on("message", (data) => socket.send(String(data)));
      ${body}
    });
    server.on("listening", () => console.log(server.address().port));
    process.stdin.on("end", () => process.exit()).resume();
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: root,
    stdio: ["pipe", "pipe", "inherit"],
  });
  closers.push(() => child.kill("SIGKILL"));
  return new Promise((resolve) => child.stdout.once("data", (port) => resolve(`ws://127.0.0.1:${String(port).trim()}/`)));
}

/** What every message to a user keeps: it names wsproof, ends the run with 2, and shows no stack. */
function expectParagraph({ code, stderr }: Ended, words: RegExp): void {
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(code).toBe(2);
}

describe("a target that cannot be checked", () => {
  it("nobody listens", async () => {
    const url = await onConnection(() => undefined);
    for (const close of closers.splice(0)) close();
    expectParagraph(await verifyEcho(url), /Nothing listens at 127\.0\.0\.1:\d+ .* Start the server, or correct the URL/);
  });

  it("is HTTP only", async () => {
    const url = await listen(http.createServer((_request, response) => response.end("hello")));
    expectParagraph(
      await verifyEcho(url),
      /HTTP 200 "hello".*does not upgrade to a WebSocket\. Is this the right port and path\?/,
    );
  });

  it("closes the TCP connection at once", async () => {
    const url = await onConnection((socket) => socket.destroy());
    expectParagraph(await verifyEcho(url), /dropped: the target .*not a WebSocket server/);
  });

  it("closes the WebSocket at once", async () => {
    const url = await echoProcess("socket.close(1008, 'go away');");
    expectParagraph(await verifyEcho(url), /close 1008 "go away".*credential/);
  });

  it("never answers", async () => {
    const url = await onConnection(() => undefined);
    expectParagraph(await verifyEcho(url, "--timeout", "200"), /does not answer the handshake within 200 ms/);
  });

  it("sends garbage", async () => {
    const url = await onConnection((socket) => socket.end("SSH-2.0-OpenSSH\r\n"));
    expectParagraph(await verifyEcho(url), /bytes that are not HTTP: "SSH-2\.0/);
  });

  it("speaks TLS where ws: was said, or not where wss: was said", async () => {
    const secure = await listen(tls.createServer());
    expectParagraph(await verifyEcho(secure), /it speaks TLS \(then use wss:\)/);
    const plain = await listen(http.createServer((_request, response) => response.end()));
    expectParagraph(await verifyEcho(plain.replace("ws:", "wss:")), /does not speak TLS/);
  });
});

describe("a command line that is wrong", () => {
  it.each([
    [["ws://127.0.0.1:1/", "--frobnicate"], /unknown option '--frobnicate'/],
    [["--phase", "handshakes"], /expected --phase to be one of handshake, .* got "handshakes"/],
    [
      ["--only", "handshake-first-mesage"],
      /no rule has an id that begins with "handshake-first-mesage".*did you mean handshake-first-message/,
    ],
    [["--seed", "many"], /expected --seed from 0 to \d+, got "many"/],
    [["http://127.0.0.1:1/"], /write ws:\/\/127\.0\.0\.1:1\//],
    [["--config", "/nowhere/wsproof.yaml"], /--config \/nowhere\/wsproof\.yaml cannot be read \(ENOENT\)/],
    [["ws://127.0.0.1:1/ws"], /Give --auth-secret/],
    [["ws://127.0.0.1:1/", "--spec", "/nowhere.yaml"], /the document cannot be used: \/nowhere\.yaml/],
    [["--spec", spec], /--spec is given but no URL/],
  ])("%j", async (args, words) => {
    const { code, stderr } = await wsproof("verify", ...args);
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });
});

describe("a target that is lost in the middle", () => {
  it("dies: the rules that are left are inconclusive", async () => {
    const url = await echoProcess("if (count === 5) process.exit(1);");
    const { code, stdout, stderr } = await verifyEcho(url, "--timeout", "1000");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/Inconclusive: the target was lost in the phase handshake\..*Nothing listens/);
    expect(code).toBe(3);
  });

  it("is stopped (SIGSTOP): the same, after the deadline", async () => {
    const url = await echoProcess("if (count === 5) process.kill(process.pid, 'SIGSTOP');");
    const { code, stdout } = await verifyEcho(url, "--timeout", "500");
    expect(stdout).toMatch(/Inconclusive: the target was lost in the phase handshake\..*does not answer/);
    expect(code).toBe(3);
  });

  it("restarts: what failed is run again, and the run says that it cannot be trusted", async () => {
    const url = await echoProcess("if (count === 5) for (const client of server.clients) client.terminate();");
    const { code, stdout } = await verifyEcho(url, "--timeout", "1000");
    expect(stdout).toMatch(/Inconclusive: an idle control connection was closed .* Was the target restarted meanwhile\?/);
    expect(stdout).not.toMatch(/Not conformant/);
    expect(code).toBe(3);
  });

  it("shakes whenever a certain rule is checked: that rule fails", async () => {
    const url = await echoProcess(
      "if (request.headers.connection === 'keep-alive, Upgrade') for (const client of server.clients) client.terminate();",
    );
    const { code, stdout } = await verifyEcho(url, "--timeout", "1000");
    expect(stdout).toMatch(/handshake-header-tokens {2}MUST {2}reproduced (\d)\/\1/);
    expect(stdout).toMatch(/actual {4}an idle connection of another user ended while this was checked/);
    expect(stdout).toMatch(/Not conformant: 1 rule failed\./);
    expect(code).toBe(1);
  });
});

describe("a target that one frame ends", () => {
  it("is brought back by --restart-command: the failure names the frame, and the run goes on", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "wsproof-restart-"));
    const [program, pids, port] = [path.join(folder, "server.mjs"), path.join(folder, "pids"), await freePort()];
    writeFileSync(
      program,
      `import { appendFileSync } from "node:fs";
      import { createRequire } from "node:module";
      const { WebSocketServer } = createRequire(${JSON.stringify(`${root}package.json`)})("ws");
      const server = new WebSocketServer({ host: "127.0.0.1", port: ${port} });
      server.on("listening", () => appendFileSync(${JSON.stringify(pids)}, process.pid + "\\n"));
      server.on("connection", (socket) => {
        socket.on("error", () => undefined);
        socket.on("message", (data, isBinary) => {
          if (!isBinary && String(data) === "{") process.exit(1);
          socket.send(String(data));
        });
      });`,
    );
    closers.push(() => {
      for (const pid of started()) {
        try {
          process.kill(pid);
        } catch {
          // It has ended.
        }
      }
      rmSync(folder, { recursive: true });
    });
    const started = () => (existsSync(pids) ? readFileSync(pids, "utf8").trim().split("\n").map(Number) : []);
    const first = spawn(process.execPath, [program], { stdio: "ignore" });
    closers.push(() => first.kill("SIGKILL"));
    await expect.poll(() => started().length, { timeout: 20_000 }).toBe(1);

    const only = ["survives-malformed-text", "survives-half-close", "frames-close-code-1000"].flatMap((id) => ["--only", id]);
    const restart = ["--restart-command", `"${process.execPath}" "${program}"`];
    const url = `ws://127.0.0.1:${port}/`;
    const { code, stdout } = await wsproof("verify", url, "--spec", spec, ...only, ...restart, "--timeout", "2000");
    expect(stdout).toMatch(/survives-malformed-text {2}MUST/);
    expect(stdout).toContain('expected  the server to keep running after the text "{"');
    expect(stdout).toMatch(/Not conformant: 1 rule failed/);
    expect(stdout).toMatch(/2 passed, 1 failed/);
    expect(code).toBe(1);
    expect(started().length).toBeGreaterThan(1);
  }, 90_000);
});

describe("an honest server", () => {
  it("is conformant, and the run says what it did", async () => {
    const url = await echoProcess("");
    const { code, stdout } = await verifyEcho(url, "--seed", "7");
    expect(stdout).toMatch(/target {4}ws:/);
    expect(stdout).toMatch(/seed {6}7\n/);
    expect(stdout).toMatch(/Conformant: \d+ rules passed/);
    expect(code).toBe(0);
  });

  it("proves nothing where no rule applies", async () => {
    const url = await echoProcess("");
    const { code, stdout } = await verifyEcho(url, "--only", "handshake-credential");
    expect(stdout).toMatch(/Nothing was proven/);
    expect(code).toBe(3);
  });
});
