// Starts the server and has it judged by the document.
import assert from "node:assert/strict";
import { test } from "node:test";
import { verify } from "wsproof";
import { startServer } from "../src/server.ts";

test("the server keeps asyncapi.yaml", async () => {
  const server = await startServer(0);
  try {
    const { exitCode, verdict } = await verify({
      url: server.url,
      spec: "asyncapi.yaml",
      reports: { html: "wsproof.html", junit: "wsproof.xml" },
      print: (text) => process.stdout.write(text),
    });
    assert.equal(exitCode, 0, `${verdict} wsproof.html shows what was seen.`);
  } finally {
    await server.stop();
  }
});
