// Runs the package, as npm packs it, on other versions of Node: npm run test:nodes [-- 22 24 26]. Their binaries come from npm.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const defaultVersions = ["22", "24", "26"];
const root = fileURLToPath(new URL("../..", import.meta.url));
const longestMs = 180_000;
const npmFlags = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--silent"];
const secret = "a secret for this test alone, of over 32 bytes";

/** One thing that must work on each version. `says` is what it must print. */
interface Trial {
  readonly name: string;
  readonly args: readonly string[];
  readonly says: RegExp;
}

const command = "node_modules/wsproof/dist/harness/cli.js";
const document = "node_modules/wsproof/dist/spec/asyncapi.yaml";
const quickPhases = ["handshake", "examples", "boundaries", "invalid"].flatMap((phase) => ["--phase", phase]);
const trials: readonly Trial[] = [
  { name: "--help", args: [command, "--help"], says: /verify \[options\]/ },
  { name: "lint", args: [command, "lint"], says: /no findings/ },
  // The second version finds what the first has written, to the byte.
  {
    name: "generate",
    args: [command, "generate", "--out", "generated"],
    says: /new: generated\/types|all as the document wants/,
  },
  { name: "diff", args: [command, "diff", document, document], says: /nothing changed on the wire/ },
  { name: "verify, quick phases", args: [command, "verify", ...quickPhases], says: /Conformant: \d+ rules passed\.\n$/ },
  {
    name: "bench",
    args: [command, "bench", "--rate", "10", "--members", "10", "--duration", "2"],
    says: /deliveries .* 0 lost, 0 duplicated/,
  },
  { name: 'import "wsproof"', args: ["own.js"], says: /^Conformant/ },
];

/** Clients of the reference server that `serve` started: `verify` and the package's client connect to it. */
const trialsOfServer = (port: number): readonly Trial[] => [
  {
    name: "serve, verified by its URL",
    args: [command, "verify", `ws://127.0.0.1:${port}/ws`, "--auth-secret", secret, "--phase", "handshake"],
    says: /Conformant: \d+ rules passed\.\n$/,
  },
  { name: 'import "wsproof/client"', args: ["client.js", String(port)], says: /^heard: Hello\n$/ },
];

/** The client among servers that misbehave. They are not in the package. */
const hostileServers = (node: string): Trial => ({
  name: "the client among hostile servers",
  args: [path.join(root, "dist/reference/testing/try-hostile-servers.js"), node],
  says: /hostile servers, within all bounds\n$/,
});

const own = `import { verify } from "wsproof";
console.log((await verify({ only: ["handshake-accepted"] })).verdict);
`;
const client = `import { createClient } from "wsproof/client";
import { SignJWT } from "jose";
const key = new TextEncoder().encode(process.env.JWT_SECRET);
const token = () => new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setSubject("ada").setAudience("rooms.v1").setExpirationTime("1h").sign(key);
const client = createClient({ url: \`ws://127.0.0.1:\${process.argv[2]}/ws\`, token });
const heard = new Promise((resolve) => client.on("message", ({ type, payload }) => type === "message" && resolve(payload.content)));
client.connect();
await client.join("lobby");
await client.chat("lobby", "Hello");
console.log("heard:", await heard);
client.close();
`;

async function main(versions: readonly string[]): Promise<void> {
  const wrong = versions.find((version) => !/^\d+(\.\d+){0,2}$/.test(version));
  if (wrong !== undefined) throw new Error(`expected versions such as 22 or 24.9.0, got "${wrong}"`);
  const folder = mkdtempSync(path.join(tmpdir(), "wsproof-nodes-"));
  try {
    const user = installPackage(folder);
    let failed = 0;
    for (const version of versions) failed += await tryVersion(version, folder, user);
    if (failed > 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the folder in which it is installed */
function installPackage(folder: string): string {
  const user = path.join(folder, "user");
  mkdirSync(user);
  npm(root, "pack", "--silent", "--pack-destination", folder);
  const tarball = path.join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
  writeFileSync(path.join(user, "package.json"), '{ "type": "module" }');
  npm(user, "install", ...npmFlags, tarball);
  writeFileSync(path.join(user, "own.js"), own);
  writeFileSync(path.join(user, "client.js"), client);
  return user;
}

/** @returns how many trials failed */
async function tryVersion(version: string, folder: string, user: string): Promise<number> {
  const node = fetchNode(version, folder);
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`, JWT_SECRET: secret };
  say(`Node ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}`);
  const server = spawn(node, [command, "serve", "--port", "0"], { cwd: user, env, stdio: ["ignore", "pipe", "pipe"] });
  try {
    let failed = 0;
    for (const trial of trials) failed += await tryOne(trial, node, user, env);
    for (const trial of trialsOfServer(await portOf(server))) failed += await tryOne(trial, node, user, env);
    // This Node runs the servers, and the client on the other one.
    failed += await tryOne(hostileServers(node), process.execPath, user, env);
    return failed;
  } finally {
    await ended(server);
  }
}

/** Path of the program, installed from the package that carries it for this system. */
function fetchNode(version: string, folder: string): string {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const target = path.join(folder, `node-${version}`);
  mkdirSync(target);
  writeFileSync(path.join(target, "package.json"), "{}");
  try {
    npm(target, "install", ...npmFlags, `${name}@${version}`);
  } catch {
    throw new Error(`npm cannot install ${name}@${version}: there is no such version for this system, or no registry in reach`);
  }
  return path.join(target, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
}

async function tryOne({ name, args, says }: Trial, node: string, cwd: string, env: NodeJS.ProcessEnv): Promise<0 | 1> {
  const startedAt = performance.now();
  const child = spawn(node, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout: longestMs });
  const [out, warned] = [textOf(child.stdout), textOf(child.stderr)];
  const code = await new Promise((resolve) => child.once("close", resolve));
  // Not a word on stderr: a version that deprecates what we use says so there.
  const isGood = code === 0 && says.test(out()) && warned() === "";
  say(`  ${isGood ? "ok  " : "FAIL"} ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  if (!isGood) say(`exit ${code}, wanted ${says}\n${out()}${warned()}`.replace(/^/gm, "       "));
  return isGood ? 0 : 1;
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.on("data", (chunk) => {
    text += chunk;
  });
  return () => text;
}

/** The port that it says it listens on. */
function portOf(server: ChildProcess): Promise<number> {
  let text = "";
  return new Promise((resolve, reject) => {
    const read = (chunk: unknown) => {
      text += chunk;
      const port = /"port":(\d+)/.exec(text)?.[1];
      if (port !== undefined) resolve(Number(port));
    };
    server.stdout!.on("data", read);
    server.stderr!.on("data", read);
    server.once("exit", (code) => reject(new Error(`serve ended with ${code}:\n${text}`)));
  });
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const gone = new Promise((resolve) => server.once("exit", resolve));
  server.kill();
  await gone;
}

function npm(cwd: string, ...args: string[]): void {
  execFileSync("npm", args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await main(process.argv.length > 2 ? process.argv.slice(2) : defaultVersions);
} catch (error) {
  process.stderr.write(`test:nodes: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
