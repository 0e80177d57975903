// npm run draw:failure: a real failure as a picture for the README. Starts a server with a fault in it, verifies it, draws what the terminal shows.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { escapeMarkup } from "../report/escape.ts";
import { startReferenceProcess } from "../testbed/reference-process.ts";

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const fault = "repeats-credential";
const maxColumns = 100;
const lineHeight = 19;

const server = await startReferenceProcess({
  path: "/ws",
  main: path("reference/testing/test-server.js"),
  env: { FAULT: fault },
});
try {
  const words = ["verify", server.url, "--auth-secret", server.secret, "--only", "handshake-credential", "--seed", "7"];
  const env = { ...process.env, JWT_SECRET: server.secret };
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, [path("harness/cli.js"), ...words], { env }, (_error, stdout) => resolve(stdout));
  });
  writeFileSync(path("../generated/failure.svg"), draw(printed));
} finally {
  await server.stop();
}

/** The first cause and the answer; the program's own path, and what is wider than the picture, are shortened. */
function draw(printed: string): string {
  const all = printed
    .replaceAll(`node ${path("harness/cli.js")}`, "npx wsproof")
    .trimEnd()
    .split("\n");
  const firstEnds = all.findIndex((line) => line.startsWith("  replay ")) + 1;
  const answer = all.findLastIndex((line) => /^\d+ passed/.test(line));
  const lines = [...all.slice(0, firstEnds), "", ...all.slice(answer, answer + 2)].map((line) =>
    line.length > maxColumns ? `${line.slice(0, maxColumns - 1)}…` : line,
  );
  const height = 24 + lines.length * lineHeight;
  const rows = lines.map((line, at) => {
    const look = /^ {2}failed|^Not conformant|^handshake-\S+ {2}MUST/.test(line) ? "bad" : "plain";
    return `<text class="${look}" x="16" y="${28 + at * lineHeight}" xml:space="preserve">${escapeMarkup(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 ${height}" role="img" aria-label="A failed rule in the terminal: the credential is repeated in a response header.">
<!-- Drawn by npm run draw:failure from the output of a run. -->
<style>
rect { fill: #fbfbfa; stroke: #d9dde1 } text { font: 14px ui-monospace, Menlo, Consolas, monospace; fill: #1c2024; white-space: pre }
.bad { fill: #b3201f; font-weight: 700 }
@media (prefers-color-scheme: dark) { rect { fill: #14171a; stroke: #363d44 } text { fill: #e7eaed } .bad { fill: #ff9a92 } }
</style>
<rect x="0.5" y="0.5" width="879" height="${height - 1}" rx="8"/>
${rows.join("\n")}
</svg>
`;
}
