// The servers of the gallery that need only Node and Python conform, but for what their baselines explain.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { emitResult } from "./emit-result.ts";
import { baselineOf, runServer } from "./run-server.ts";
import { galleryServers, npmVersion } from "./servers.ts";

const inCi = galleryServers.filter((server) => server.inCi);

describe.each(inCi)("$id", (server) => {
  it("conforms, but for what its baseline explains", async () => {
    const { code, report, output } = await runServer(server, 1);
    const failed = report?.rules.filter(({ verdict, known }) => verdict === "fail" && known === undefined);
    expect(failed?.map(({ id, failures }) => `${id}: got ${failures[0]?.actual}`)).toEqual([]);
    expect(code, output.slice(-2_000)).toBe(0);
    // All that its baseline excuses was really seen, and the page of its results names each.
    const known = existsSync(baselineOf(server)) ? (parse(readFileSync(baselineOf(server), "utf8")) as { id: string }[]) : [];
    const page = emitResult(server.example, [{ server, report, code, output }], { npm: npmVersion, debian: () => "of Debian" });
    expect(known.map(({ id }) => id).filter((id) => !page.includes(`\`${id}\``))).toEqual([]);
  }, 300_000);
});
