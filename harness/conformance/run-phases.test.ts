// How a run judges: rules of our own making on a server of our own making.

import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { loadContract } from "../../spec/load-contract.ts";
import { NotTestable, Violation } from "../schema/errors.ts";
import type { Context } from "./context.ts";
import { ReproducedViolation } from "./evidence.ts";
import { openRun } from "./open-run.ts";
import type { Phase } from "./phase.ts";
import type { RuleResult } from "./result.ts";
import type { Rule } from "./rule.ts";
import { type RunHooks, type RunReport, runPhases } from "./run-phases.ts";

const { contract } = await loadContract({
  file: fileURLToPath(new URL("../../spec/examples/echo/asyncapi.yaml", import.meta.url)),
});
const channel = contract!.channels[0]!;

const servers: WebSocketServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await stop(server);
});

/** @param answer what comes back for a text; undefined: nothing */
async function echo(
  answer: (text: string) => string | undefined = (text) => text,
): Promise<{ url: string; server: WebSocketServer }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  servers.push(server);
  server.on("connection", (socket) =>
    socket.on("message", (data) => {
      const reply = answer(String(data));
      if (reply !== undefined) socket.send(reply);
    }),
  );
  await new Promise((resolve) => server.on("listening", resolve));
  return { url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/`, server };
}

async function stop(server: WebSocketServer): Promise<void> {
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
}

const promise = { pointer: "#/channels/echo" };

function rule(id: string, check: Rule["check"], more: Partial<Rule> = {}): Rule {
  return { id, level: "MUST", phase: "examples", title: id, from: () => [promise], check, brokenBy: () => [], ...more };
}

interface Judging {
  readonly url: string;
  readonly hooks?: Partial<RunHooks>;
  readonly prepare?: Phase["prepare"];
  /** Called anew each time. */
  readonly urls?: () => string[];
  readonly embedded?: boolean;
  /** Default 300. */
  readonly timeoutMs?: number;
}

async function judge(
  { url, hooks, prepare, urls = () => [url], embedded = false, timeoutMs = 300 }: Judging,
  ...rules: readonly Rule[]
): Promise<RunReport> {
  const target = {
    get urls() {
      return urls();
    },
    origin: undefined,
    pid: undefined,
    askToStop: undefined,
    embedded,
  };
  const opened = await openRun({ contract: contract!, channel, target, auth: {}, timeoutMs, label: "t" });
  try {
    const asked = [...new Set(rules.map(({ phase }) => phase))].map((name): Phase => {
      const own = rules.filter((one) => one.phase === name);
      return { name, rules: own, ...(prepare === undefined ? {} : { prepare }) };
    });
    return await runPhases(opened.run, opened.probe, asked, { replay: (id) => `replay ${id}`, ...hooks });
  } finally {
    await opened.end();
  }
}

const verdicts = ({ results }: RunReport) => Object.fromEntries(results.map(({ id, verdict }) => [id, verdict]));
const only = ({ results }: RunReport): RuleResult => results[0]!;

const say = async ({ dial, example }: Context) => {
  const testClient = await dial();
  await testClient.request(example("say"));
};
const fail = () => {
  throw new Violation("this", "that");
};

describe("a rule", () => {
  it("passes, or is not testable where it observed nothing or cannot", async () => {
    const report = await judge(
      await echo(),
      rule("kept", say),
      rule("empty", async () => undefined),
      rule("cannot", async () => {
        throw new NotTestable("needs a second URL");
      }),
      rule("unpromised", say, { from: () => [] }),
    );
    expect(verdicts(report)).toEqual({
      kept: "pass",
      empty: "not-testable",
      cannot: "not-testable",
      unpromised: "not-applicable",
    });
    expect(report.results.map(({ vacuous }) => vacuous)).toEqual([false, true, false, false]);
    expect(report.results[0]?.observed).toBeGreaterThanOrEqual(2);
  });

  it("is run again when it failed, and shown as stable or flaky with its frames", async () => {
    let runs = 0;
    const report = await judge(
      await echo(),
      rule("stable", async (context) => {
        await say(context);
        fail();
      }),
      rule("flaky", async () => (runs++ === 0 ? fail() : undefined)),
    );
    const [stable, flaky] = report.results;
    expect(stable).toMatchObject({
      verdict: "fail",
      failures: [{ failed: 4, runs: 4, expected: "this", actual: "that", replay: "replay stable" }],
    });
    expect(stable?.failures[0]?.frames.map(({ kind }) => kind)).toEqual(["note", "open", "send", "receive"]);
    expect(stable?.failures[0]?.text).not.toBe("");
    expect(flaky).toMatchObject({ verdict: "fail", failures: [{ failed: 1, runs: 4 }] });
  });

  it("is checked once for each promise, and fails for the one that is broken", async () => {
    const promises = ["#/a", "#/b", "#/c"].map((pointer) => ({ pointer, text: pointer }));
    const check: Rule["check"] = async (context, { pointer }) => {
      context.judged();
      if (pointer === "#/b") fail();
    };
    const report = await judge(await echo(), rule("thrice", check, { from: () => promises }));
    expect(only(report).failures.map(({ pointer }) => pointer)).toEqual(["#/b"]);
  });

  it("warns for a SHOULD, and blames nobody for a MAY", async () => {
    const report = await judge(
      await echo(),
      rule("should", async () => fail(), { level: "SHOULD" }),
      rule("may", async () => fail(), { level: "MAY" }),
    );
    expect(verdicts(report)).toEqual({ should: "warn", may: "not-applicable" });
    expect(report.results[1]?.reason).toBe("optional and not implemented: expected this, got that");
  });

  it("that has a bug of its own ends alone, and says what it was", async () => {
    const report = await judge(
      await echo(),
      rule("buggy", async () => Promise.reject(new TypeError("oops"))),
      rule("kept", say),
    );
    expect(verdicts(report)).toEqual({ buggy: "inconclusive", kept: "pass" });
    expect(report.results[0]).toMatchObject({ internalError: true, reason: expect.stringContaining("TypeError: oops") });
  });

  it.each([true, false])(
    "that waits begins before the phases ahead of its own, against our own server only: %s",
    async (embedded) => {
      const log: string[] = [];
      let spoilt = 0;
      const waits = { phase: "limits", waitsMs: () => 1 } as const;
      const report = await judge(
        { ...(await echo()), embedded },
        rule("early", async (context) => {
          await say(context);
          log.push("early");
        }),
        rule(
          "waits",
          async (context) => {
            log.push("waits");
            await say(context);
          },
          waits,
        ),
        rule("spoilt", async (context) => (++spoilt === 1 ? fail() : say(context)), waits),
      );
      expect(log).toEqual(embedded ? ["waits", "early"] : ["early", "waits"]);
      expect(verdicts(report)).toEqual({ early: "pass", waits: "pass", spoilt: embedded ? "pass" : "fail" });
    },
  );

  it("that is alone runs when nothing else does", async () => {
    let others = 0;
    let most = 0;
    const busy = async (context: Context) => {
      others++;
      await say(context);
      others--;
    };
    const alone = async (context: Context) => {
      most = Math.max(most, others);
      await say(context);
    };
    await judge(await echo(), rule("alone", alone, { alone: true }), rule("one", busy), rule("two", busy), rule("three", busy));
    expect(most).toBe(0);
  });
});

describe("a message or frame of the target that is wrong", () => {
  it("is filed under its own rule, whichever check met it", async () => {
    const spoilt = await echo((text) => text.replace('"Hello"', "5"));
    const report = await judge(spoilt, rule("kept", say), rule("server-message-valid", say), rule("server-frame-legal", say));
    expect(verdicts(report)).toEqual({ kept: "pass", "server-message-valid": "fail", "server-frame-legal": "pass" });
    expect(report.results[1]?.failures).toHaveLength(1);
    expect(report.results[1]?.failures[0]?.actual).toMatch(/\/text must be string/);
  });
});

describe("a target that is in trouble", () => {
  it("and leaves the fence unanswered from the start is tested, but by no fence", async () => {
    const mute = await echo(() => undefined);
    const report = await judge(
      mute,
      rule("reply", say),
      rule("fence", async ({ dial }) => {
        await (await dial()).fence();
      }),
    );
    expect(verdicts(report)).toEqual({ reply: "fail", fence: "inconclusive" });
    expect(report.interrupted).toBeUndefined();
  });

  it("and answers pings but no request any more has lost a reply", async () => {
    let answers = true;
    const stalling = await echo((text) => (answers ? text : undefined));
    const report = await judge(
      stalling,
      rule("stalls", async (context) => {
        const testClient = await context.dial();
        answers = false;
        await testClient.request(context.example("say"));
      }),
    );
    expect(verdicts(report)).toEqual({ stalls: "fail" });
  });

  it("and is a process of ours that a rule ends is started again, and that rule fails", async () => {
    let current = await echo();
    let starts = 0;
    const revive = async () => {
      if (current.server.listenerCount("connection") > 0) return undefined;
      starts++;
      current = await echo();
      return "The server's process ended with exit code 7.";
    };
    const kill = async ({ dial }: Context) => {
      await dial();
      current.server.removeAllListeners("connection");
      await stop(current.server);
    };
    const report = await judge(
      { url: current.url, urls: () => [current.url], hooks: { revive }, timeoutMs: 3_000 },
      rule("kept", say),
      rule("kills", kill),
    );
    expect(verdicts(report)).toEqual({ kept: "pass", kills: "fail" });
    expect(report.results[1]?.failures[0]).toMatchObject({
      expected: "the server to keep running after a close 1000",
      actual: "The server's process ended with exit code 7.",
    });
    expect(starts).toBeGreaterThan(1);
    expect(report.interrupted).toBeUndefined();
  });
});

describe("a phase that prepares evidence", () => {
  it("gathers it once, and each rule reads its part", async () => {
    const prepare: Phase["prepare"] = async (context, rules) => {
      await say(context);
      return rules.map(({ id }) => id);
    };
    const failure = new ReproducedViolation("1", "2", { steps: ["a step"], frames: [], failed: 1, runs: 2 });
    const report = await judge(
      { ...(await echo()), prepare },
      rule("a", async (context) => context.judged((context.evidence as string[]).length)),
      rule("b", async () => {
        throw failure;
      }),
      rule("c", async () => undefined),
    );
    expect(verdicts(report)).toEqual({ a: "pass", b: "fail", c: "not-testable" });
    expect(report.results[0]?.observed).toBe(3);
    expect(report.results[1]?.failures).toMatchObject([{ expected: "1", failed: 1, runs: 2, steps: ["a step"] }]);
  });

  it("that cannot be gathered leaves its rules untested, and says why", async () => {
    const prepare: Phase["prepare"] = async () => {
      throw new NotTestable("needs --pid");
    };
    const report = await judge(
      { ...(await echo()), prepare },
      rule("a", async (context) => context.judged()),
    );
    expect(report.results[0]).toMatchObject({ verdict: "not-testable", reason: "needs --pid" });
  });
});
