// Examples that break their own schema, and messages without an example or description.
import { join } from "../pointer.ts";
import { at } from "../source-tree.ts";
import type { Check } from "./check.ts";

/** Errors of one example that are shown: a value that fits no branch of a oneOf has some for each branch. */
const shownErrors = 3;

export const checkExamples: Check = ({ tree, contract, validators }) =>
  contract.messages
    .filter(({ format }) => format === "json")
    .flatMap(({ name, examples }) =>
      examples.flatMap((example) => {
        const errors = validators.of(name)(example.payload);
        if (errors.length === 0) return [];
        const shown = errors
          .slice(0, shownErrors)
          .map(({ pointer, text }) => `${pointer === "" ? "the payload" : pointer} ${text}`);
        const more = errors.length - shown.length;
        const place = errors.length === 1 ? errors[0]!.pointer : "";
        return [
          at(tree, `${join(example.pointer, "payload")}${place}`, {
            severity: "error",
            id: "example-breaks-schema",
            expected: `an example that the schema of ${name} accepts`,
            actual: `${shown.join("; ")}${more === 0 ? "" : `; and ${more} more`}`,
            fix: "correct the example, or the schema where the example is right",
          }),
        ];
      }),
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
