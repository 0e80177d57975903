// The command that makes a run again, as one line for a shell: with every flag that was given, without what is secret.
import type { BenchFlags } from "./settings.ts";

/** What stands in place of a secret: a variable that the reader sets. */
const secrets: Readonly<Record<string, string>> = {
  authSecret: '"$AUTH_SECRET"',
  authToken: '"$AUTH_TOKEN"',
  authCommand: '"$AUTH_COMMAND"',
};

/** @param flags as commander gives them: a text, true, or a list of texts for what was given several times */
export function emitCommand(urls: readonly string[], flags: BenchFlags): string {
  const options = Object.entries(flags).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined || value === false) return [];
    const option = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === true) return [option];
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.map((one) => `${option} ${secrets[name] ?? quoted(String(one))}`);
  });
  return ["wsproof bench", ...urls.map((url) => quoted(withoutSecrets(url))), ...options].join(" ");
}

/** A URL may carry a password or a token: each value becomes `...`. */
export function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/?#@]*@/, "//...@").replace(/[?#].*$/s, (rest) => rest.replaceAll(/=[^&#]*/g, "=..."));
}

function quoted(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
