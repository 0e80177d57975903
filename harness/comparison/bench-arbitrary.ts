// Prints how long the generator takes per value, for our own messages and the sample schemas: node dist/harness/comparison/bench-arbitrary.js
import fc from "fast-check";
import type { JsonSchema } from "../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { createArbitraries } from "../schema/arbitrary.ts";
import { createSchemaValidator } from "../schema/schema-validator.ts";
import { sampleDefinitions, sampleSchemas } from "./sample-schemas.ts";

const numRuns = 2_000;

function bench(title: string, schemas: readonly JsonSchema[], definitions: ReadonlyMap<string, JsonSchema>): void {
  const arbitraries = createArbitraries(definitions, createSchemaValidator(definitions).compile);
  const perValue = schemas.map((schema) => {
    const arbitrary = arbitraries.of(schema, "#");
    fc.sample(arbitrary, { numRuns: 100, seed: 1 });
    const startMs = performance.now();
    fc.sample(arbitrary, { numRuns, seed: 2 });
    return ((performance.now() - startMs) * 1000) / numRuns;
  });
  perValue.sort((a, b) => a - b);
  const { generated, rejected } = arbitraries.count;
  const at = (share: number) => perValue[Math.floor(share * (perValue.length - 1))]!.toFixed(1);
  process.stdout.write(
    `${title}: ${schemas.length} schemas, us a value: median ${at(0.5)}, 90% ${at(0.9)}, slowest ${at(1)}; ` +
      `${rejected} rejections for ${generated} filtered values\n`,
  );
}

const { contract } = await loadContract({ file: defaultSpecFile });
if (contract !== undefined) {
  bench(
    "messages of rooms.v1",
    contract.messages.map((message) => message.payload),
    contract.definitions,
  );
}
bench("sample schemas", Object.values(sampleSchemas), sampleDefinitions);
