// Starts the server and tests it against the document.
import assert from "node:assert/strict";
import { test } from "node:test";
import { verify } from "wsproof";
import { startServer } from "../src/server.ts";

test("the server conforms to asyncapi.yaml", async () => {
  // The port of `npm start`, so that printed commands work with it; another one if it is taken.
  const server = await startServer(8080).catch(() => startServer(0));
  try {
    const { exitCode, verdict } = await verify({
      url: server.url,
      spec: "asyncapi.yaml",
      reports: { html: "wsproof.html", junit: "wsproof.xml" },
      print: (text) => process.stdout.write(text),
    });
    assert.equal(exitCode, 0, `${verdict} Open wsproof.html. To reproduce: npm start in another terminal, then the command above.`);
  } finally {
    await server.stop();
  }
});
