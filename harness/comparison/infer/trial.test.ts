// The trial of infer on the reference server: what people wrote is found in the traffic, and a document that lacks some of it gains it by --update.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { endpointFor } from "../../../spec/endpoints.ts";
import { lint } from "../../../spec/lint/lint.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { emitEvent, emitHeader } from "../../traffic/history-file.ts";
import { updateDocument } from "../../traffic/infer/update-document.ts";
import { root } from "../gallery/servers.ts";
import { leastPercent, runTrial, type TrialResult, trials } from "./trial.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-trial-test-"));
const traffic = path.join(folder, "traffic.ndjson");
afterAll(() => rmSync(folder, { recursive: true }));
let result: TrialResult;
beforeAll(async () => {
  result = await runTrial(trials[0]!);
  writeFileSync(traffic, emitHeader() + result.events.map(emitEvent).join(""));
}, 120_000);

/** Runs the command line. */
const update = (file: string) =>
  new Promise<{ code: number; output: string }>((resolve) => {
    const words = [path.join(root, "dist/harness/cli.js"), "infer", traffic, "--update", file];
    execFile(process.execPath, words, { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });

/** Without a process. */
async function again(file: string) {
  const { contract, channel } = endpointFor((await loadContract({ file })).contract!, undefined)!;
  return updateDocument(result.inferred, readFileSync(file, "utf8"), contract, channel);
}

describe("infer on the reference server", () => {
  it("finds messages, required members and replies as people wrote them", () => {
    const { types, required, replies } = result.score;
    expect(types.all).toBe(21);
    expect((100 * types.found) / types.all, types.missing.join()).toBeGreaterThanOrEqual(leastPercent);
    expect(required.all).toBeGreaterThan(100);
    expect((100 * required.found) / required.all, required.missing.join()).toBeGreaterThanOrEqual(leastPercent);
    expect(replies.all).toBe(7);
    expect(replies.missing).toEqual([]);
  });

  it("has nothing to add to the document of the server", async () => {
    const { text, drift, skipped } = await again(defaultSpecFile);
    expect(drift).toEqual([]);
    expect(skipped).toEqual([]);
    expect(text).toBeUndefined();
  });

  it("adds what a document lacks, keeps its words, and finds nothing more the second time", async () => {
    const file = path.join(folder, "older.yaml");
    const document = parse(readFileSync(defaultSpecFile, "utf8"));
    const { messages } = document.components;
    delete messages.direct_message;
    delete document.channels.rooms.messages.direct_message;
    delete document.operations.sendDirectMessage;
    document.operations.direct["x-effects"].pop();
    delete document.channels.rooms["x-delivery"].streams.direct;
    delete messages.connected.payload.properties.payload.properties.expiresAt;
    messages.connected.payload.properties.payload.required = [
      "clientId",
      "userId",
      "username",
      "protocol",
      "heartbeat",
      "limits",
    ];
    messages.chat.payload.properties.payload.required.push("key");
    messages.typing.payload.properties.payload.properties.active = { const: true };
    messages.user_left.payload.properties.payload.properties.reason = { type: "integer" };
    document.operations.ping.reply.messages = [{ $ref: "#/channels/rooms/messages/error" }];
    delete document.operations.ping["x-effects"];
    document.channels.rooms["x-close-codes"] = document.channels.rooms["x-close-codes"].filter(
      ({ code }: { code: number }) => code !== 1012,
    );
    document["x-errors"].codes = document["x-errors"].codes.filter(({ code }: { code: string }) => code !== "NOT_IN_ROOM");
    for (const operation of [document.operations.chat, document.operations.typing])
      operation["x-requires"] = operation["x-requires"].filter((one: { else?: string }) => one.else !== "NOT_IN_ROOM");
    writeFileSync(file, `# Ours.\n${stringify(document)}`);
    const first = await update(file);
    const drift = first.output.split("\n").filter((line) => line.startsWith("- "));
    expect(first.code).toBe(1);
    expect(drift.map((line) => line.replaceAll(/\d+/g, "N")).sort()).toMatchInlineSnapshot(`
      [
        "- /payload/active of typing was only true and is false as well",
        "- /payload/expiresAt of connected is new: in N of N frames",
        "- /payload/key of chat was required and is missing in N of N frames",
        "- /payload/reason of user_left was integer and is string as well",
        "- close code N is new: N times",
        "- error code NOT_IN_ROOM is new: N times to chat, typing",
        "- message direct_message of the server is new: N frames",
        "- ping is answered by pong as well",
      ]
    `);
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^# Ours\./);
    expect(text).toContain(document.operations.joinRoom.description);
    expect((await lint({ file })).findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect((await again(file)).drift).toEqual([]);
  }, 90_000);
});
