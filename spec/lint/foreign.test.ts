// Documents that we did not write: what is loaded, and what is said of it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadContract } from "../load-contract.ts";
import { lint } from "./lint.ts";

const file = (name: string) => fileURLToPath(new URL(`../fixtures/foreign/${name}`, import.meta.url));

describe("a document of AsyncAPI 2", async () => {
  const { contract, findings } = await lint({ file: file("version-2.yaml") });

  it("is converted, and says so at its version", () => {
    expect(contract!.asyncapi).toBe("2.6.0");
    expect(findings).toContainEqual(expect.objectContaining({ id: "version-converted", severity: "info", line: 2 }));
  });

  it("has its publish as what the server receives", () => {
    expect(contract!.operations.map(({ id, action, messages }) => [id, action, messages])).toEqual([
      ["toServer", "receive", ["put", "get"]],
      ["/.subscribe", "send", ["put", "get"]],
    ]);
    expect(contract!.servers).toMatchObject([{ host: "localhost:9000", pathname: "/sync", protocol: "ws" }]);
  });

  it("is told that its messages have no tag, at the lines of its file", () => {
    expect(contract!.messages.map(({ tag }) => tag)).toEqual([undefined, undefined]);
    expect(findings).toContainEqual(expect.objectContaining({ id: "messages-without-tag", severity: "info", line: 8 }));
    // No property is declared by both, so that neither sends what the other could mean.
    expect(findings.some(({ id }) => id === "messages-indistinguishable")).toBe(false);
    expect(findings).toContainEqual(expect.objectContaining({ id: "format-unknown", severity: "info", line: 23 }));
  });

  it("is turned round by the perspective", async () => {
    const turned = await loadContract({ file: file("version-2.yaml"), perspective: "client" });
    expect(turned.contract!.operations.map(({ action }) => action)).toEqual(["send", "receive"]);
  });
});

describe("a document of a client, in two files", async () => {
  const { contract, findings } = await lint({ file: file("client.yaml"), perspective: "client" });
  const found = (id: string) => findings.filter((finding) => finding.id === id);

  it("has what the client receives as what the server sends", () => {
    expect(contract!.operations).toMatchObject([
      { action: "send", messages: ["event", "hello", "picture"], reply: ["acknowledge"] },
    ]);
  });

  it("has its schemas out of the other file", () => {
    const acknowledge = contract!.messages.find(({ name }) => name === "acknowledge")!;
    expect(acknowledge.payload).toMatchObject({ properties: { envelope: { $ref: "#/definitions/Envelope" } } });
    expect(contract!.definitions.get("Envelope")).toMatchObject({ type: "string" });
  });

  it("gets its findings in the file that they are about", () => {
    expect(found("schema-not-unicode")).not.toEqual([]);
    for (const finding of found("schema-not-unicode")) expect(finding.severity).toBe("info");
    expect(found("example-missing").some(({ file: where, line }) => where.endsWith("messages.yaml") && line === 2)).toBe(true);
  });

  it("is told what is not checked, and what is taken for granted", () => {
    expect(found("message-not-judged")).toMatchObject([{ severity: "info", actual: "picture is binary (image/png)" }]);
    expect(found("protocol-not-websocket")).toMatchObject([{ severity: "info", actual: "https", line: 5 }]);
    expect(found("messages-without-tag")).toMatchObject([{ severity: "info", actual: "event, hello have none" }]);
    expect(contract!.channels).toMatchObject([{ kind: "websocket" }]);
  });
});

describe("an address that has the server's pathname in it again", () => {
  it("is named, and what stands below the pathname is not", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "wsproof-foreign-"));
    const document = path.join(folder, "repeated.yaml");
    const lines = [
      "asyncapi: 3.0.0",
      "info: { title: t, version: '1' }",
      "servers: { s: { host: h, pathname: /v1, protocol: ws } }",
      "channels:",
      "  a: { address: /v1/a }",
      "  b: { address: /b }",
    ];
    writeFileSync(document, lines.join("\n"));
    const { findings } = await lint({ file: document });
    rmSync(folder, { recursive: true });
    expect(findings.filter(({ id }) => id === "address-repeats-pathname")).toMatchObject([{ severity: "info", line: 5 }]);
  });
});

describe("an overlay", async () => {
  const { contract, findings } = await lint({ file: file("client.yaml"), perspective: "client", overlay: file("overlay.yaml") });

  it("is merged over the document", () => {
    expect(contract!.channels[0]!.closeCodes.map(({ code }) => code)).toEqual([1000, 3000]);
    expect(contract!.servers).toMatchObject([{ host: "bot.example", protocol: "wss" }]);
  });

  it("gets its findings in its own file", () => {
    const [registered] = findings.filter(({ id }) => id === "close-code-registered");
    expect(registered).toMatchObject({ file: file("overlay.yaml"), line: 8 });
  });
});
