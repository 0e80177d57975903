// Finds the programs that tests and benchmarks need beside Node, and installs them as Debian packages where they are missing.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Debian package -> the program in it, or a file where it has none. */
export const packages = {
  "redis-server": "redis-server",
  nginx: "nginx",
  haproxy: "haproxy",
  caddy: "caddy",
  openssl: "openssl",
  chromium: "chromium",
  curl: "curl",
  "python3-websockets": "/usr/lib/python3/dist-packages/websockets/__init__.py",
  "python3-aiohttp": "/usr/lib/python3/dist-packages/aiohttp/__init__.py",
} as const;
export type Package = keyof typeof packages;

/** Where it is not `--version`. */
const versionFlags: Partial<Record<Package, string>> = { nginx: "-v", haproxy: "-v", caddy: "version" };

const extraFolders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"];

/** Path of a program, or undefined where it is neither on PATH nor in the usual folders. */
export function find(program: string): string | undefined {
  if (isAbsolute(program)) return existsSync(program) ? program : undefined;
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...extraFolders].filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

export interface FindOptions {
  /** Receives one line per thing done. Default: stderr. */
  readonly say?: (line: string) => void;
}

/**
 * Path of the package's program; installs the package with apt-get where it is missing and we are root.
 * @throws Error that names the command to run, where it is missing and cannot be installed. It never says "skip": CI without the program is a failure.
 */
export function findOrInstall(name: Package, { say = (line) => process.stderr.write(`${line}\n`) }: FindOptions = {}): string {
  const found = find(packages[name]);
  if (found !== undefined) return found;
  const command = `apt-get install -y --no-install-recommends ${name}`;
  if (find("apt-get") === undefined) {
    throw new Error(
      `${name} is missing and there is no apt-get here: install it with your system's package manager, then try again`,
    );
  }
  if (process.getuid?.() !== 0) throw new Error(`${name} is missing: run "sudo ${command}", then try again`);
  say(`${name} is missing: ${command}`);
  const install = (): boolean => apt("install", "-y", "--no-install-recommends", name);
  if (!install()) {
    say("the package list may be old: apt-get update");
    apt("update");
    if (!install()) throw new Error(`"${command}" failed: run it by hand to see why`);
  }
  const installed = find(packages[name]);
  if (installed === undefined) throw new Error(`${name} is installed but its program ${packages[name]} is not on PATH`);
  return installed;
}

function apt(...args: string[]): boolean {
  // A package must not start its service: the tests start their own, on free ports.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  // Waits for another apt-get instead of failing beside it.
  return spawnSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", ...args], { env, stdio: "ignore" }).status === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2);
  const names = (wanted.length > 0 ? wanted : Object.keys(packages)) as Package[];
  try {
    for (const name of names) {
      if (!(name in packages)) throw new Error(`expected one of ${Object.keys(packages).join(", ")}, got "${name}"`);
      const path = findOrInstall(name);
      if (isAbsolute(packages[name])) {
        process.stdout.write(`${name}: ${path}\n`);
        continue;
      }
      const version = execFileSync(path, [versionFlags[name] ?? "--version"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
      process.stdout.write(`${name}: ${path} ${version.trim().split("\n")[0] ?? ""}\n`);
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
