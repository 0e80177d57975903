// The servers of the gallery that need only Node and Python conform, but for what their baselines explain.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { loadContractUnderTest } from "../../conformance/load-contract-under-test.ts";
import { emitFaults, parseRows, rowOf, verdictOf } from "./emit-faults.ts";
import { emitResult } from "./emit-result.ts";
import { plantedFaults } from "./faults.ts";
import { faultsOf, runFault } from "./run-fault.ts";
import { baselineOf, runServer } from "./run-server.ts";
import { galleryServers, npmVersion, root } from "./servers.ts";

const inCi = galleryServers.filter((server) => server.inCi);

describe.each(inCi)("$id", (server) => {
  it("conforms, but for what its baseline explains", async () => {
    const { code, report, output } = await runServer(server, { seed: 1 });
    const failed = report?.rules.filter(({ verdict, known }) => verdict === "fail" && known === undefined);
    expect(failed?.map(({ id, failures }) => `${id}: got ${failures[0]?.actual}`)).toEqual([]);
    expect(code, output.slice(-2_000)).toBe(0);
    // All that its baseline excuses was really seen, and the page of its results names each.
    const known = existsSync(baselineOf(server)) ? (parse(readFileSync(baselineOf(server), "utf8")) as { id: string }[]) : [];
    const page = emitResult(server.example, [{ server, report, code, output }], { npm: npmVersion, debian: () => "of Debian" });
    expect(known.map(({ id }) => id).filter((id) => !page.includes(`\`${id}\``))).toEqual([]);
  }, 300_000);
});

describe("planted faults", () => {
  const echo = galleryServers.find(({ id }) => id === "echo-ws");

  it("are of at least ten kinds where the document promises as much", async () => {
    for (const server of inCi) {
      const kinds = (await faultsOf(server)).map(({ kind }) => kind);
      expect(new Set(kinds).size, server.id).toBeGreaterThanOrEqual(10);
    }
  });

  it.each([
    ["a document with rates and pings", undefined, ["wrong retry time", "heartbeat ignored", "silence not noticed"]],
    ["a heartbeat by messages", "harness/mutation/shapes/jobs.yaml", ["heartbeat ignored", "silence not noticed"]],
    [
      "a message to those who stay",
      "spec/examples/chat/asyncapi.yaml",
      ["missed disconnect", "missed leave", "limit one too low"],
    ],
  ])("fit %s", async (_title, spec, kinds) => {
    const subject = await loadContractUnderTest({
      ...{ spec: spec === undefined ? undefined : `${root}${spec}`, urls: [] },
      ...{ perspective: undefined, overlay: undefined, server: undefined, variables: undefined },
    });
    expect(plantedFaults(subject!).map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds));
  });

  it("are named by a rule that was chosen for them", async () => {
    const planted = (await faultsOf(echo!)).find(({ kind }) => kind === "coerced type")!;
    const run = await runFault(echo!, planted);
    expect(verdictOf(run)).toBe("named");
    const page = emitFaults([rowOf(run)]);
    expect(page).toContain("1 of 1 faults (100.0 %)");
    expect(page).not.toContain("Not whole");
    expect(emitFaults([rowOf(run)], 2)).toContain("Not whole: 1 of the 2 faults");
    // A later run goes on from the page.
    expect(parseRows(page)).toEqual([rowOf(run)]);
    // A run without a failure names nothing.
    expect(verdictOf({ ...run, report: { ...run.report!, rules: [] } })).toBe("missed");
  }, 180_000);
});
