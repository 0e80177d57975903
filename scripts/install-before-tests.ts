// Makes sure before the tests that redis-server, nginx, haproxy, caddy, a browser and a WebSocket server in another language are there. Tests never skip for want of a program.
import { delimiter, dirname } from "node:path";
import { findOrInstall } from "./find-or-install.ts";

export default function installBeforeTests(): void {
  const folders = (["redis-server", "nginx", "haproxy", "caddy", "openssl"] as const).map((name) => dirname(findOrInstall(name)));
  findOrInstall("python3-websockets");
  findOrInstall("python3-aiohttp");
  findOrInstall("chromium");
  findOrInstall("curl");
  // nginx lies in /usr/sbin, which is not on everybody's PATH.
  process.env.PATH = [process.env.PATH, ...new Set(folders)].join(delimiter);
}
