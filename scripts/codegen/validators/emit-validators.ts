// Contract -> validators: AJV's standalone code as ES modules that plain node can import, one file per message, no AJV at run time.
import standaloneModule from "ajv/dist/standalone/index.js";
import type { Contract, JsonSchema, Message } from "../../../spec/contract.ts";
import { bundle, comparable, needsOwnProperties, readings } from "../../../spec/schemas.ts";
import { banner } from "../banner.ts";
import { fileNames } from "../file-names.ts";
import { typeNames } from "../types/type-names.ts";
import { emitServerValidator } from "./emit-server-validator.ts";
import { emitRuntime, isTextFormat } from "./runtime.ts";

// CommonJS: the function stands under another name than the types say.
const standalone = standaloneModule as unknown as typeof standaloneModule.default;

/** File names to contents, below `validators/`. */
export type Files = Map<string, string>;

/** A line of AJV's code that takes something from its own package. In a text of the document no line begins like this. */
const requireLine =
  /^const (\w+) = require\("(?:ajv\/dist\/runtime\/(\w+)|ajv-formats\/dist\/formats)"\)(?:\.fullFormats(?:\.(\w+)|\["([^"]+)"\])|\.default);$/gm;

/** A schema that no reading of it can compile gets a validator that accepts all; lint says so. */
export function emitValidators(contract: Contract): Files {
  const files: Files = new Map();
  const names = typeNames(contract).messages;
  const filesOf = fileNames(contract);
  const formats = new Set<string>();
  for (const message of contract.messages) {
    const { name } = message;
    const imports = new Set<string>();
    const body = standaloneCode(contract, message)
      .replaceAll(requireLine, (_, local: string, helper?: string, dotted?: string, quoted?: string) => {
        const format = dotted ?? quoted;
        if (format !== undefined) formats.add(format);
        const imported = format === undefined ? helper! : "formats";
        imports.add(imported);
        return `const ${local} = ${imported}${format === undefined ? "" : `[${JSON.stringify(format)}]`};`;
      })
      .replace(/^"use strict";/, "")
      .replace(/export const validate = (\w+);\s*export default \1;/, "export default $1;\n");
    const missing = /^const \w+ = require\(.*/m.exec(body);
    if (missing !== null) throw new Error(`the validator of ${name} needs more than its own code: ${missing[0]}`);
    const head = imports.size > 0 ? `import { ${[...imports].sort().join(", ")} } from "./runtime.gen.js";\n` : "";
    files.set(`${filesOf.get(name)}.gen.js`, `${banner(`Is a value the message \`${name}\`?`)}${head}${body}\n`);
    files.set(`${filesOf.get(name)}.gen.d.ts`, declaration(name, names.get(name)!));
  }
  for (const [name, text] of emitServerValidator(contract, new Set([...formats].filter(isTextFormat)))) files.set(name, text);
  files.set("runtime.gen.js", emitRuntime(formats));
  files.set("problem.gen.d.ts", problem);
  return files;
}

function standaloneCode(contract: Contract, { payload, draft }: Message): string {
  const schema = comparable(bundle(contract, payload)) as object;
  const ownProperties = needsOwnProperties(schema as JsonSchema);
  for (const { create } of readings(contract)) {
    try {
      // One AJV for each message: its names count from the same start, so that one change touches one file.
      const ajv = create({ allErrors: false, ownProperties, code: { source: true, esm: true, lines: true } }, draft);
      return standalone(ajv, ajv.compile(schema));
    } catch {}
  }
  return "export default function validate() {\n  return true;\n}\nvalidate.errors = null;\n";
}

const problem = `${banner("Why a value is not a message.")}
/** One thing that is wrong, as AJV says it. */
export interface Problem {
  /** JSON Pointer to the value. */
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}
`;

function declaration(name: string, type: string): string {
  return `${banner(`Is a value the message \`${name}\`?`)}import type { ${type} } from "../types.gen.ts";
import type { Problem } from "./problem.gen.ts";

/** After a call that returned false, \`errors\` says why. */
declare const validate: {
  (value: unknown): value is ${type};
  errors?: readonly Problem[] | null;
};
export default validate;
`;
}
