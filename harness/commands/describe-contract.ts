// One test a rule in vitest or node:test: the run goes on in the background, and each test waits for the phase of its rule.
import { expectContractUnderTest, targetUrls } from "../conformance/load-contract-under-test.ts";
import type { RuleResult } from "../conformance/result.ts";
import { phases } from "../conformance/rules.ts";
import { selectRules } from "../conformance/selection.ts";
import { causesOf } from "../report/causes.ts";
import { emitFailureText } from "../report/failure-text.ts";
import { runVerification } from "./run-verify.ts";
import { drawSeed, loadVerifySettings, type VerifyGiven } from "./settings/verify-settings.ts";

/** What both runners have in common. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  /** `skip` of what the body gets ends the test as skipped. */
  test(name: string, timeoutMs: number, body: (skip: (reason: string) => void) => Promise<void>): unknown;
}

export interface DescribeContractOptions extends Omit<VerifyGiven, "list" | "url" | "watch" | "watchPaths" | "lastFailed"> {
  /** The server, or a function that gives it when the first test runs. Default: the reference server. */
  readonly url?: string | readonly string[] | (() => string | readonly string[] | Promise<string | readonly string[]>);
  /** Name of the suite. Default: the title of the document. */
  readonly name?: string;
  /** Default: vitest where it runs, else node:test. */
  readonly runner?: TestRunner;
}

/** A run of a slow server: the tests themselves bound nothing, the run does. */
const testTimeoutMs = 15 * 60_000;

/**
 * Defines a suite with one test for each rule that applies to the document. To be awaited at the top of a test file.
 * @throws UsageError where an option or the document cannot be used
 */
export async function describeContract({ url, name, runner, ...given }: DescribeContractOptions): Promise<void> {
  const { describe, test } = runner ?? (await findRunner());
  const settingsFor = (now: string | readonly string[] | undefined) =>
    loadVerifySettings({ ...given, ...(now === undefined ? {} : { url: now }) }, "key", given.seed ?? drawSeed());
  const known = settingsFor(typeof url === "function" ? undefined : url);
  const subject = await expectContractUnderTest({ ...known, urls: await targetUrls(known) });
  const asked = selectRules(phases, known.only, known.phases, known.exclude);
  const applying = asked.map(({ name, rules }) => ({ name, rules: rules.filter((rule) => rule.from(subject).length > 0) }));
  const ends = new Map(applying.map(({ name }) => [name as string, createEnd()]));
  let isRunning = false;
  const start = async () => {
    try {
      const settings = settingsFor(typeof url === "function" ? await url() : url);
      const { report } = await runVerification(settings, {
        event(event) {
          if (event.type === "phase-end") ends.get(event.phase.name)?.resolve(event.phase.results);
        },
      });
      // What was cut short ends with its reason.
      for (const end of ends.values()) end.resolve(report.results);
    } catch (error) {
      for (const end of ends.values()) end.reject(error);
    }
  };
  describe(name ?? `${subject.contract.title} ${subject.contract.version}`, () => {
    for (const { name: phase, rules } of applying)
      for (const { id, title, level } of rules)
        test(`${id}: ${title} (${level})`, testTimeoutMs, async (skip) => {
          if (!isRunning) void start();
          isRunning = true;
          const results = await ends.get(phase)!.promise;
          judge(
            results.find((result) => result.id === id),
            known.strict,
            skip,
          );
        });
  });
}

interface End {
  readonly promise: Promise<readonly RuleResult[]>;
  resolve(results: readonly RuleResult[]): void;
  reject(error: unknown): void;
}

/** Promise.withResolvers, which Node 20 does not have. */
function createEnd(): End {
  let settle: Pick<End, "resolve" | "reject"> | undefined;
  const promise = new Promise<readonly RuleResult[]>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => undefined); // a test that waits for it tells
  return { promise, resolve: (results) => settle?.resolve(results), reject: (error) => settle?.reject(error) };
}

function judge(result: RuleResult | undefined, strict: boolean, skip: (reason: string) => void): void {
  const { verdict, reason } = result ?? { verdict: "not-testable", reason: "it was not run" };
  if (result !== undefined && (verdict === "fail" || (verdict === "warn" && strict))) {
    const text = causesOf([{ ...result, known: undefined }]).map(({ failure }) => emitFailureText(result, failure));
    const error = new Error(text.join("\n\n"));
    error.stack = error.message; // the stack is ours, and says nothing about the server
    throw error;
  }
  if (verdict === "inconclusive") throw new Error(`inconclusive: ${reason}`);
  if (verdict === "not-testable" || verdict === "not-applicable") skip(reason ?? verdict);
}

async function findRunner(): Promise<TestRunner> {
  if (process.env.VITEST !== undefined) {
    // Not a dependency of this package: it is there where it runs.
    const name = "vitest";
    const vitest = await import(name);
    return {
      describe: vitest.describe,
      test: (title, timeout, body) =>
        vitest.test(title, { timeout }, (context: { skip(reason?: string): void }) => body((reason) => context.skip(reason))),
    };
  }
  const node = await import("node:test");
  return {
    describe: (title, body) => node.describe(title, body),
    test: (title, timeout, body) => node.test(title, { timeout }, (context) => body((reason) => context.skip(reason))),
  };
}
