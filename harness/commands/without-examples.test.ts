// A document without a single example is judged like one with examples: the messages are drawn from the schemas.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { phases } from "../conformance/rules.ts";
import { drawnName, withDrawnExamples } from "../schema/drawn-examples.ts";
import { type ReferenceProcess, startReferenceProcess } from "../testbed/reference-process.ts";
import { runVerification } from "./run-verify.ts";
import { loadVerifySettings } from "./settings/verify-settings.ts";

let folder: string;
let file: string;
let server: ReferenceProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wsproof-no-examples-"));
  file = join(folder, "asyncapi.yaml");
  const document = parse(await readFile(defaultSpecFile, "utf8"));
  for (const message of Object.values<Record<string, unknown>>(document.components.messages)) delete message.examples;
  await writeFile(file, stringify(document));
  server = await startReferenceProcess({ path: "/ws" });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

it("every JSON message gets one example, and what has one already keeps it", async () => {
  const bare = (await loadContract({ file })).contract!;
  expect(bare.messages.flatMap(({ examples }) => examples)).toEqual([]);
  const drawn = withDrawnExamples(bare);
  expect(drawn.messages.map(({ examples }) => examples.map(({ name }) => name))).toEqual(bare.messages.map(() => [drawnName]));
  const ours = (await loadContract({ file: defaultSpecFile })).contract!;
  expect(withDrawnExamples(ours)).toBe(ours);
});

it("begins nothing by a drawn message: no key that is remembered, no replay", async () => {
  const { messages, operations } = withDrawnExamples((await loadContract({ file })).contract!);
  const keys = operations.flatMap(({ effects, messages: [name] }) =>
    effects.flatMap((effect) => {
      const value = effect.kind === "once" ? effect.key : effect.kind === "replay" ? effect.since : undefined;
      return value?.kind === "message" ? [{ name, key: value.pointer.split("/").at(-1)! }] : [];
    }),
  );
  expect(keys.length).toBeGreaterThan(1);
  for (const { name, key } of keys) {
    const payload = messages.find((one) => one.name === name)?.examples[0]?.payload as { readonly payload: object };
    expect(Object.keys(payload.payload)).not.toContain(key);
  }
});

it("the same rules apply, and a server that keeps the document passes them", async () => {
  const phaseNames = ["handshake", "examples", "boundaries", "invalid"];
  const settings = loadVerifySettings(
    { url: server.url, spec: file, auth: { secret: server.secret }, phases: phaseNames, runs: 5 },
    "key",
    1,
  );
  const { report } = await runVerification(settings, { event: () => undefined });
  expect(
    report.results.flatMap(({ id, verdict, failures, reason }) =>
      verdict === "pass" || verdict === "not-applicable"
        ? []
        : [`${id} ${verdict}: ${failures[0]?.expected ?? reason}, ${failures[0]?.actual}`],
    ),
  ).toEqual([]);
  const ours = (await loadContract({ file: defaultSpecFile })).contract!;
  const channel = ours.channels.find(({ kind }) => kind === "websocket")!;
  const wanted = phases
    .filter(({ name }) => settings.phases.includes(name))
    .flatMap(({ rules }) => rules.filter((rule) => rule.from({ contract: ours, channel }).length > 0));
  const judged = report.results.filter(({ verdict }) => verdict === "pass").map(({ id }) => id);
  // The reference declines compression, so that this rule finds nothing to check.
  const declined = ["handshake-compression-usable"];
  expect(wanted.map(({ id }) => id).filter((id) => !judged.includes(id))).toEqual(declined);
}, 120_000);
