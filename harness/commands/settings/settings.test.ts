// One schema a command: what flags, the config file and the API give, and how each mistake is told.
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../schema/errors.ts";
import { benchOptions } from "./bench-options.ts";
import { type BenchGiven, loadBenchSettings } from "./bench-settings.ts";
import { emitCommandLine, programName, withoutSecrets } from "./command-line.ts";
import { parseConfig } from "./config-file.ts";
import { defineFlags, flagged, valuesOfFlags } from "./flags.ts";
import type { Options } from "./option.ts";
import { verifyOptions } from "./verify-options.ts";
import { loadVerifySettings, type VerifyGiven } from "./verify-settings.ts";

/** What a command line gives. */
function parsed(options: Options, ...args: readonly string[]): Record<string, unknown> {
  const command = defineFlags(new Command().exitOverride(), options).action(() => undefined);
  command.configureOutput({ writeErr: () => undefined }).parse(args, { from: "user" });
  return valuesOfFlags(options, command.opts(), command.args);
}

describe("flags", () => {
  it("give values in the shape of the API", () => {
    const words = [
      "ws://a/x",
      "--auth-token",
      "s",
      "--auth-token",
      "t",
      "--phase",
      "http",
      "--runs",
      "3",
      "--faults",
      "--json",
      "r",
    ];
    expect(parsed(verifyOptions, ...words)).toEqual({
      url: ["ws://a/x"],
      auth: { tokens: ["s", "t"] },
      phases: ["http"],
      runs: 3,
      faults: true,
      reports: { json: "r" },
    });
    const load = ["--duration", "2m", "--warm-up", "1500ms", "--weight", "chat=5", "--weight", "typing=0.5", "--faults"].slice(
      0,
      -1,
    );
    expect(parsed(benchOptions, ...load)).toEqual({
      durationMs: 120_000,
      warmUpMs: 1500,
      weights: { chat: 5, typing: 0.5 },
    });
    expect(() => parsed(benchOptions, "--weight", "chat")).toThrow(
      /^expected --weight as OPERATION=NUMBER such as chat=5, got "chat"/,
    );
  });

  it("are each a flag of their own, and each option says what it is", () => {
    for (const options of [verifyOptions, benchOptions] as Options[]) {
      const flags = flagged(options).map(({ option }) => option.flag);
      expect(new Set(flags).size).toBe(flags.length);
    }
  });
});

describe("settings of verify", () => {
  const load = (given: VerifyGiven) => loadVerifySettings(given, "key", 42);

  it("have defaults, and take the seed that they are given", () => {
    expect(load({})).toMatchObject({ urls: [], seed: 42, runs: 100, timeoutMs: 5000, auth: {}, reports: {}, phases: [] });
    expect(load({ seed: 7, runs: undefined })).toMatchObject({ seed: 7, runs: 100 });
  });

  it("test only the cluster, on three nodes, when faults are asked for", () => {
    expect(load({ faults: true })).toMatchObject({ nodes: 3, faults: 12, messages: 5000, phases: ["cluster"] });
    expect(load({ faults: 30, nodes: 2, phases: ["http"] })).toMatchObject({ nodes: 2, faults: 30, phases: ["http"] });
    expect(load({ nodes: 2 })).toMatchObject({ nodes: 2, faults: undefined, phases: [] });
  });

  it.each([
    [{ ulr: "ws://h" }, 'unknown option "ulr"; did you mean url?'],
    [{ auth: { sercet: "x" } }, 'unknown option "auth.sercet"; did you mean secret?'],
    [{ zzz: 1 }, /^unknown option "zzz"; known: url, spec/],
    [{ runs: 0 }, "expected runs from 1 to 1000000, got 0"],
    [{ runs: "5" }, 'expected runs from 1 to 1000000, got "5"'],
    [{ timeoutMs: 1.5 }, "expected timeoutMs from 1 to 600000, got 1.5"],
    [{ strict: "yes" }, 'expected strict to be true or false, got "yes"'],
    [{ perspective: "both" }, 'expected perspective to be one of server, client, got "both"'],
    [{ faults: "many" }, 'expected faults from 1 to 100000, got "many"'],
    [{ auth: { secret: "a", tokens: ["b"] } }, /^expected auth to be an object with one of secret, tokens/],
    [{ url: "localhost:80" }, /^expected a ws: or wss: URL, got "localhost:80"/],
    [{ url: "http://h/x" }, /write ws:\/\/h\/x$/],
    [{ url: "ws://h/x", nodes: 2 }, /^nodes starts reference-server nodes, but a URL is given/],
    [{ messages: 5 }, "messages needs faults"],
  ])("refuse %j", (given, message) => {
    expect(() => load(given as VerifyGiven)).toThrow(UsageError);
    expect(() => load(given as VerifyGiven)).toThrow(message);
  });

  it("name the flag where it came from a flag", () => {
    const given = parsed(verifyOptions, "--runs", "many") as VerifyGiven;
    expect(() => loadVerifySettings(given, "flag", 1)).toThrow('expected --runs from 1 to 1000000, got "many"');
    expect(() => loadVerifySettings({ faults: true, url: "ws://h/" }, "flag", 1)).toThrow(/^--faults starts/);
  });
});

describe("settings of bench", () => {
  const load = (given: BenchGiven) => loadBenchSettings(given, "flag", 42);

  it("send 50 a second unless told, and none on a schedule in the closed model", () => {
    expect(load({}).profile).toMatchObject({ perSecond: 50, inFlight: 1, durationMs: 10_000, warmUpMs: 2000, seed: 42 });
    expect(load({ inFlight: 8 }).profile).toMatchObject({ perSecond: undefined, inFlight: 8 });
  });

  it.each([
    [{ scenario: "nap" }, /^expected --scenario to be one of fanout, .*, got "nap"/],
    [{ durationMs: 500 }, "expected --duration from 1 to 86400 seconds, such as 30, 30s, 1500ms or 2m, got 500"],
    [{ durationMs: "soon" }, 'such as 30, 30s, 1500ms or 2m, got "soon"'],
    [{ rate: 5, inFlight: 5 }, /leave out one of them/],
    [{ findCapacity: "p99<5ms", inFlight: 5 }, /leave out one of them/],
    [{ failOn: "p99 is bad" }, /p99 is bad/],
  ])("refuse %j", (given, message) => {
    expect(() => load(given as BenchGiven)).toThrow(message);
  });
});

describe("wsproof.config.yaml", () => {
  it("holds the target at the top and the rest by command; paths start at its folder", () => {
    const text =
      "url: [ws://a/ws]\nspec: api.yaml\noverlay: /x/o.yaml\nauth: { tokens: [a] }\nverify: { runs: 5, reports: { json: r.json } }";
    expect(parseConfig(text, "/home/me/wsproof.config.yaml")).toEqual({
      url: ["ws://a/ws"],
      spec: "/home/me/api.yaml",
      overlay: "/x/o.yaml",
      auth: { tokens: ["a"] },
      verify: { runs: 5, reports: { json: "/home/me/r.json" } },
    });
    expect(parseConfig("", "f")).toEqual({});
  });

  it.each([
    ["url: [ws://a]\nurls: ws://a", 'f.yaml:2: unknown option "urls"; did you mean url?'],
    ["timeoutMs: fast", 'f.yaml:1: expected timeoutMs from 1 to 600000, got "fast"'],
    ["\nauth: { secret: a, tokens: [b] }", /f\.yaml:2: expected auth to be an object with one of/],
    ["verify:\n  runs: 5\n  seed: x", 'f.yaml:3: expected verify.seed from 0 to 2147483647, got "x"'],
    ["- a", /f\.yaml: expected an object/],
    ["a: [", /f\.yaml:\d: /],
  ])("names the line of a mistake: %j", (text, message) => {
    expect(() => parseConfig(text, "f.yaml")).toThrow(UsageError);
    expect(() => parseConfig(text, "f.yaml")).toThrow(message);
  });
});

describe("a printed command", () => {
  const shell = { program: "wsproof", command: "bench", env: {} };

  it("gives back what was given, quoted for a shell", () => {
    const given = {
      scenario: "mixed",
      failOn: "p99>50ms",
      warmUpMs: 1000,
      percentiles: true,
      insecure: false,
      weights: { a: 1 },
    };
    expect(emitCommandLine(shell, benchOptions, { url: "ws://127.0.0.1:8080/ws", ...given })).toBe(
      "wsproof bench ws://127.0.0.1:8080/ws --scenario mixed --warm-up 1s --weight a=1 --fail-on 'p99>50ms' --percentiles",
    );
    expect(emitCommandLine(shell, benchOptions, { json: "it's.json" })).toBe("wsproof bench --json 'it'\\''s.json'");
  });

  it("is read again as the same values", () => {
    const values = {
      url: ["ws://h/x"],
      auth: { command: "./t.sh -v" },
      faults: 30,
      messages: 7,
      strict: true,
      phases: ["a", "b"],
    };
    const line = emitCommandLine({ ...shell, command: "" }, verifyOptions, values);
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, one, other]) => one ?? other!).slice(1);
    expect(parsed(verifyOptions, ...words)).toEqual(values);
  });

  it("names a variable in place of a secret: the one that holds it, else one to set", () => {
    const auth = { secret: "hush-1", tokens: ["hush-2", "hush-3"] };
    const line = emitCommandLine({ ...shell, env: { OWN: "hush-2" } }, verifyOptions, {
      url: "wss://me:hush-5@h/ws?t=hush-6",
      auth,
    });
    expect(line).not.toContain("hush-");
    expect(line).toContain(
      `"wss://me:$PASSWORD@h/ws?t=$T" --auth-secret "$JWT_SECRET" --auth-token "$OWN" --auth-token "$TOKEN"`,
    );
    expect(withoutSecrets("ws://host:1/a@b?x&region=eu&api_key=hush")).toBe("ws://host:1/a@b?x&region=eu&api_key=...");
  });

  it("starts the program as the reader did", () => {
    expect(programName("/p/node_modules/.bin/wsproof")).toBe("npx wsproof");
    expect(programName("/usr/bin/wsproof")).toBe("wsproof");
    expect(programName("/p/dist/harness/cli.js")).toBe("node /p/dist/harness/cli.js");
  });
});
