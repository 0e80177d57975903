// The manifests of the guide to a load from several machines: one by Kubernetes' own schema, both by what `bench` takes.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { registerBench } from "./bench.ts";

/** It has the schemas of Kubernetes' OpenAPI document. */
const models = createRequire(import.meta.url)("kubernetes-models/batch/v1") as Readonly<
  Record<string, new (manifest: object) => { validate(): void }>
>;
const createManifest = (manifest: { readonly kind: string }) => new models[manifest.kind]!(manifest);
const guide = readFileSync(new URL("../../spec/guides/bench-at-scale.md", import.meta.url), "utf8");
const [manifest, workflow] = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => parse(text!));
const withSpec = (changes: object) => createManifest({ ...manifest, spec: { ...manifest.spec, ...changes } });

/** Flags of the first command `wsproof bench` in a text, with their values. */
function flagsOf(text: string): ReadonlyMap<string, string> {
  const [, command = ""] = /wsproof bench (wss?:.*)/.exec(text.replaceAll(/\s+/g, " ")) ?? [];
  return new Map([...command.matchAll(/(--[\w-]+) (\S+)/g)].map(([, flag, value]) => [flag!, value!]));
}

const program = new Command();
registerBench(program);
const known = new Set(program.commands[0]!.options.map(({ long }) => long));

describe("the manifest for Kubernetes", () => {
  it("keeps Kubernetes' schema, which refuses others", () => {
    expect(() => createManifest(manifest).validate()).not.toThrow();
    expect(() => withSpec({ completions: "4" }).validate()).toThrow("completions");
    expect(() => withSpec({ completionMode: "Indexes" }).validate()).toThrow("completionMode");
  });

  it("runs as many shards at once as there are", () => {
    const { completions, parallelism, completionMode, template } = manifest.spec;
    const flags = flagsOf(template.spec.containers[0].args.join(" "));
    expect({ completionMode, parallelism, shards: Number(flags.get("--shard")) }).toEqual({
      ...{ completionMode: "Indexed", parallelism: completions, shards: completions },
    });
    expect([...flags.keys()].filter((flag) => !known.has(flag))).toEqual([]);
  });
});

describe("the GitHub workflow", () => {
  it("has a job for each shard, a common start, and a merge of all", () => {
    const { start, shard, merge } = workflow.jobs;
    const flags = flagsOf(shard.steps[0].run);
    const count = shard.strategy.matrix.shard.length;
    expect(shard.strategy.matrix.shard).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(shard.steps[0].run).toContain(`--shard \${{ matrix.shard }}/${count} --start-at \${{ needs.start.outputs.at }}`);
    expect([...flags.keys()].filter((flag) => !known.has(flag))).toEqual([]);
    expect(start.outputs.at).toContain(`steps.${start.steps[0].id}.outputs.at`);
    expect(merge.steps.at(-1).run).toMatch(/^npx wsproof bench merge shard-\*\.json/);
    expect([shard.needs, merge.needs]).toEqual(["start", "shard"]);
  });
});
