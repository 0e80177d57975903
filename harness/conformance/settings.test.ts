import { describe, expect, it } from "vitest";
import { UsageError } from "../schema/errors.ts";
import { loadSettings, parseConfig } from "./settings.ts";

describe("parseConfig", () => {
  it("reads every key, and takes paths from where the file stands", () => {
    const text = [
      "urls: [ws://a/ws, ws://b/ws]",
      "spec: api.yaml",
      "overlay: /x/o.yaml",
      "origin: https://app.example",
      "auth: { tokens: [a, b] }",
      "timeoutMs: 900",
    ].join("\n");
    expect(parseConfig(text, "/home/me/wsproof.config.yaml")).toEqual({
      urls: ["ws://a/ws", "ws://b/ws"],
      spec: "/home/me/api.yaml",
      overlay: "/x/o.yaml",
      origin: "https://app.example",
      auth: { tokens: ["a", "b"] },
      timeoutMs: 900,
    });
    expect(parseConfig("", "f")).toEqual({});
  });

  it.each([
    ["urls: [ws://a]\nurl: ws://a", /f\.yaml:2: unknown key "url"/],
    ["timeoutMs: fast", /f\.yaml:1: expected timeoutMs to be a number of milliseconds, got "fast"/],
    ["\nauth: { secret: a, tokens: [b] }", /f\.yaml:2: expected auth to be an object with one of/],
    ["perspective: both", /f\.yaml:1: expected perspective to be server or client/],
    ["- a", /f\.yaml: expected an object/],
    ["a: [", /f\.yaml:\d: /],
  ])("names the line of a mistake: %j", (text, words) => {
    expect(() => parseConfig(text, "f.yaml")).toThrow(UsageError);
    expect(() => parseConfig(text, "f.yaml")).toThrow(words);
  });
});

describe("loadSettings", () => {
  it("has defaults, and takes the seed that it is given", () => {
    expect(loadSettings([], {}, 42)).toMatchObject({ urls: [], seed: 42, runs: 100, timeoutMs: 5000, auth: {}, reports: {} });
  });

  it("with faults judges the cluster on nodes of its own, and nothing else unless told", () => {
    expect(loadSettings([], { faults: true }, 1)).toMatchObject({ nodes: 3, faults: 12, messages: 5000, phases: ["cluster"] });
    expect(loadSettings([], { nodes: "2" }, 1)).toMatchObject({ nodes: 2, faults: undefined, phases: [] });
    expect(() => loadSettings(["ws://h/x"], { nodes: "2" }, 1)).toThrow(/^--nodes starts nodes of our own, but a URL is given/);
    expect(() => loadSettings(["ws://h/x"], { faults: true }, 1)).toThrow(/^--faults starts nodes/);
    expect(() => loadSettings([], { messages: "5" }, 1)).toThrow("--messages needs --faults");
    expect(() => loadSettings([], { faults: "many" }, 1)).toThrow(/expected --faults from 1 to 100000, got "many"/);
  });

  it("lets flags win, each in its range", () => {
    const settings = loadSettings(["ws://h:1/x"], { seed: "7", runs: "3", timeout: "50", authToken: ["t"], json: "r.json" }, 42);
    expect(settings).toMatchObject({
      urls: ["ws://h:1/x"],
      seed: 7,
      runs: 3,
      timeoutMs: 50,
      auth: { tokens: ["t"] },
      reports: { json: "r.json" },
    });
    expect(() => loadSettings([], { runs: "0" }, 1)).toThrow(/expected --runs from 1 to 1000000, got "0"/);
    expect(() => loadSettings([], { timeout: "" }, 1)).toThrow(/expected --timeout/);
    expect(() => loadSettings(["localhost:80"], {}, 1)).toThrow(UsageError);
  });
});
