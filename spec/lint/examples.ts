// Examples that break their own schema, and messages without an example or description.
import { join } from "../pointer.ts";
import { at } from "../source-tree.ts";
import type { Check } from "./check.ts";

export const checkExamples: Check = ({ tree, contract, validators }) =>
  contract.messages
    .filter(({ format }) => format === "json")
    .flatMap(({ name, examples }) =>
      examples.flatMap((example) =>
        validators
          .of(name)(example.payload)
          .map((error) =>
            at(tree, `${join(example.pointer, "payload")}${error.pointer}`, {
              severity: "error",
              id: "example-breaks-schema",
              expected: `an example that the schema of ${name} accepts`,
              actual: `${error.pointer === "" ? "the payload" : error.pointer} ${error.text}`,
              fix: "correct the example, or the schema where the example is right",
            }),
          ),
      ),
    );

export const checkWords: Check = ({ tree, contract }) => [
  ...contract.messages
    .filter(({ examples }) => examples.length === 0)
    .map(({ name, pointer }) =>
      at(tree, pointer, {
        severity: "info",
        id: "example-missing",
        expected: "an example of each message",
        actual: `${name} has none`,
        fix: "add examples with a name and a payload",
      }),
    ),
  ...[...contract.messages, ...contract.operations]
    .filter(({ description, summary }) => description === "" && summary === "")
    .map((thing) =>
      at(tree, thing.pointer, {
        severity: "info",
        id: "description-missing",
        expected: "a description or summary",
        actual: `${"name" in thing ? thing.name : thing.id} has neither`,
        fix: "describe it in one sentence",
      }),
    ),
  ...contract.channels
    .filter(({ description, title }) => description === "" && title === "")
    .map(({ id, pointer }) =>
      at(tree, pointer, {
        severity: "info",
        id: "description-missing",
        expected: "a description or title",
        actual: `${id} has neither`,
        fix: "describe it in one sentence",
      }),
    ),
];
