// Contract -> validators: AJV's standalone code as ES modules that plain node can import, one file per message, no AJV at run time.
import standaloneModule from "ajv/dist/standalone/index.js";
import formatsModule from "ajv-formats/dist/formats.js";
import type { Contract, JsonSchema } from "../../spec/contract.ts";
import { bundle, comparable, readings } from "../../spec/schemas.ts";
import { banner, typeNames } from "./emit-types.ts";

// CommonJS: the functions stand under other names than the types say.
const standalone = standaloneModule as unknown as typeof standaloneModule.default;
const { fullFormats } = formatsModule as unknown as { readonly fullFormats: Readonly<Record<string, unknown>> };

/** File names to contents, below `validators/`. */
export type Files = Map<string, string>;

/**
 * From each message's name to one that can name a file and be an anchor in a page.
 * No two are alike, even where a file system does not tell `a` from `A`.
 */
export function fileNames(contract: Contract): ReadonlyMap<string, string> {
  const taken = new Set(["runtime", "problem"]);
  return new Map(
    contract.messages.map(({ name }) => {
      const plain = name.replaceAll(/[^A-Za-z0-9_-]/g, "-");
      let file = plain;
      for (let count = 2; taken.has(file.toLowerCase()); count++) file = `${plain}-${count}`;
      taken.add(file.toLowerCase());
      return [name, file];
    }),
  );
}

const needed =
  /require\("(ajv\/dist\/runtime\/(\w+)|ajv-formats\/dist\/formats)"\)(?:\.fullFormats(?:\.(\w+)|\["([^"]+)"\])|\.default)/g;

/** A schema that no reading of it can compile gets a validator that accepts all; lint says so. */
export function emitValidators(contract: Contract): Files {
  const files: Files = new Map();
  const names = typeNames(contract).messages;
  const filesOf = fileNames(contract);
  const formats = new Set<string>();
  for (const { name, payload } of contract.messages) {
    const code = standaloneCode(contract, payload);
    const imports = new Set<string>();
    const body = code
      .replaceAll(needed, (_, _module, helper: string | undefined, dotted: string | undefined, quoted: string | undefined) => {
        const format = dotted ?? quoted;
        if (format !== undefined) {
          formats.add(format);
          imports.add("formats");
          return `formats[${JSON.stringify(format)}]`;
        }
        imports.add(helper!);
        return helper!;
      })
      .replace(/^"use strict";/, "")
      .replace(/export const validate = (\w+);\s*export default \1;/, "export default $1;\n");
    if (/\brequire\(/.test(body))
      throw new Error(`the validator of ${name} needs ${/\brequire\([^)]*\)/.exec(body)?.[0]}, which cannot be taken along`);
    const head = imports.size > 0 ? `import { ${[...imports].sort().join(", ")} } from "./runtime.gen.js";\n` : "";
    files.set(`${filesOf.get(name)}.gen.js`, `${banner(`Is a value the message \`${name}\`?`)}${head}${body}\n`);
    files.set(`${filesOf.get(name)}.gen.d.ts`, declaration(name, names.get(name)!));
  }
  files.set("runtime.gen.js", emitRuntime(formats));
  files.set("problem.gen.d.ts", problem);
  return files;
}

function standaloneCode(contract: Contract, payload: JsonSchema): string {
  const schema = comparable(bundle(contract, payload)) as object;
  for (const { create } of readings(contract)) {
    try {
      // One AJV for each message: its names count from the same start, so that one change touches one file.
      const ajv = create({ allErrors: false, code: { source: true, esm: true, lines: true } });
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

/** What AJV takes from its own package at run time, so that the validators need nothing. Formats that are patterns come from ajv-formats. */
function emitRuntime(formats: ReadonlySet<string>): string {
  const entries = [...formats].sort().map((format) => {
    const known = fullFormats[format];
    const text = known instanceof RegExp ? known.toString() : (functions[format] ?? "true");
    return `  ${JSON.stringify(format)}: ${text},`;
  });
  return `${banner("What the validators share.")}
/** Length of a text in code points. */
export function ucs2length(text) {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Whether two JSON values are the same. */
export function equal(a, b) {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

function isDate(text) {
  const match = /^(\\d{4})-(\\d\\d)-(\\d\\d)$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number);
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

/** RFC 3339, with the leap second at 23:59:60 UTC. */
function isTime(text, zoneNeeded) {
  const match = /^(\\d\\d):(\\d\\d):(\\d\\d(?:\\.\\d+)?)(z|([+-])(\\d\\d)(?::?(\\d\\d))?)?$/i.exec(text);
  if (match === null || (zoneNeeded && match[4] === undefined)) return false;
  const hour = Number(match[1]);
  const minute = Number(match[2]);
  const second = Number(match[3]);
  const sign = match[5] === "-" ? -1 : 1;
  const zoneHour = Number(match[6] ?? 0);
  const zoneMinute = Number(match[7] ?? 0);
  if (zoneHour > 23 || zoneMinute > 59) return false;
  if (hour <= 23 && minute <= 59 && second < 60) return true;
  const utcMinute = minute - zoneMinute * sign;
  const utcHour = hour - zoneHour * sign - (utcMinute < 0 ? 1 : 0);
  return (utcHour === 23 || utcHour === -1) && (utcMinute === 59 || utcMinute === -1) && second < 61;
}

function isDateTime(text, zoneNeeded) {
  const parts = text.split(/t|\\s/i);
  return parts.length === 2 && isDate(parts[0]) && isTime(parts[1], zoneNeeded);
}

export const formats = {
${entries.join("\n")}
};
`;
}

/** Formats that ajv-formats checks by code. */
const functions: Readonly<Record<string, string>> = {
  date: "isDate",
  time: "(text) => isTime(text, true)",
  "iso-time": "(text) => isTime(text, false)",
  "date-time": "{ validate: (text) => isDateTime(text, true) }",
  "iso-date-time": "{ validate: (text) => isDateTime(text, false) }",
};
