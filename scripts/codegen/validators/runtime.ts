// What AJV takes from its own package at run time, written so that the validators need nothing.
import formatsModule from "ajv-formats/dist/formats.js";
import { banner } from "../banner.ts";

// CommonJS: the formats stand under other names than the types say.
const { fullFormats } = formatsModule as unknown as { readonly fullFormats: Readonly<Record<string, unknown>> };

/** Formats that ajv-formats checks by code, or not at all. */
const functions: Readonly<Record<string, string>> = {
  date: "isDate",
  time: "(text) => isTime(text, true)",
  "iso-time": "(text) => isTime(text, false)",
  "date-time": "{ validate: (text) => isDateTime(text, true) }",
  "iso-date-time": "{ validate: (text) => isDateTime(text, false) }",
  uri: "(text) => /^[a-z][a-z0-9+.-]*:(?:[a-z0-9\\-._~!$&'()*+,;=:@/?#[\\]]|%[0-9a-f]{2})*$/i.test(text)",
  regex: "isPattern",
  byte: "(text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)",
  int32: "{ validate: (value) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31 }",
  int64: "{ validate: (value) => Number.isInteger(value) }",
  float: "{ validate: () => true }",
  double: "{ validate: () => true }",
};

const numberFormats = new Set(["int32", "int64", "float", "double"]);

/** Whether the runtime checks texts of this format. */
export const isTextFormat = (format: string): boolean =>
  (fullFormats[format] instanceof RegExp || format in functions) && !numberFormats.has(format);

/** @param formats names of those that the validators use; patterns come from ajv-formats */
export function emitRuntime(formats: ReadonlySet<string>): string {
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
  const [, year, month, day] = /^(\\d{4})-(\\d\\d)-(\\d\\d)$/.exec(text) ?? [];
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

/** RFC 3339, with the leap second at 23:59:60 UTC. */
function isTime(text, zoneNeeded) {
  const match = /^(\\d\\d):(\\d\\d):(\\d\\d(?:\\.\\d+)?)(z|([+-])(\\d\\d)(?::?(\\d\\d))?)?$/i.exec(text) ?? [];
  const [, hour, minute, second, zone, sign, zoneHour = 0, zoneMinute = 0] = match;
  if (second === undefined || (zoneNeeded && zone === undefined) || zoneHour > 23 || zoneMinute > 59) return false;
  if (hour <= 23 && minute <= 59 && second < 60) return true;
  const direction = sign === "-" ? -1 : 1;
  const utcMinute = minute - zoneMinute * direction;
  const utcHour = hour - zoneHour * direction - (utcMinute < 0 ? 1 : 0);
  return (utcHour === 23 || utcHour === -1) && (utcMinute === 59 || utcMinute === -1) && second < 61;
}

function isPattern(text) {
  try {
    new RegExp(text, "u");
    return !/[^\\\\]\\\\Z/.test(text);
  } catch {
    return false;
  }
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
