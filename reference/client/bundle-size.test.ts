// The client as a browser loads it: bundled by esbuild, minified and compressed.
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

const mostBytes = 8 * 1_024;

test("the bundle is under 8 KiB", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL("client.ts", import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    // Loaded only where the platform has no WebSocket.
    external: ["ws"],
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
  process.stdout.write(`wsproof/client: ${outputFiles[0]!.contents.length} bytes minified, ${bytes} compressed by gzip\n`);
  expect(bytes).toBeLessThan(mostBytes);
  const packages = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  expect(packages).toEqual(["ws"]);
});
