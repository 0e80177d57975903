// Values of options -> the command that gives them again, as one line for a shell, without what is secret.
import { flagged, longFlag } from "./flags.ts";
import type { Option, Options } from "./option.ts";

/**
 * @param command such as `verify`
 * @param env searched for a variable that holds a secret's value, so that the line works as printed; else the option names one to set
 * @param program how the reader started us, such as `npx wsproof`
 */
export function emitCommandLine(
  { program, command, env }: { readonly program: string; readonly command: string; readonly env: NodeJS.ProcessEnv },
  options: Options,
  values: object,
): string {
  const words = flagged(options).flatMap(({ path, option }) => {
    const value = path.reduce<unknown>((place, name) => (place as Record<string, unknown> | undefined)?.[name], values);
    return wordsOf(option, value, env);
  });
  return [program, command, ...words].join(" ");
}

function wordsOf(option: Option, value: unknown, env: NodeJS.ProcessEnv): readonly string[] {
  if (value === undefined || value === false) return [];
  if ("positional" in option) return [value].flat().map((url) => quoted(withoutSecrets(String(url))));
  const flag = longFlag(option);
  if (value === true) return [flag];
  if (option.type === "object") {
    return Object.entries(value as object).map(([name, one]) => `${flag} ${quoted(`${name}=${one}`)}`);
  }
  return [value].flat().map((one) => {
    const text = "unit" in option ? `${Number(one) % 1000 === 0 ? `${Number(one) / 1000}s` : `${one}ms`}` : String(one);
    return `${flag} ${option.secret === undefined ? quoted(text) : variableFor(text, option.secret, env)}`;
  });
}

/** The variable that holds the value, else the one that the reader is to set. */
function variableFor(value: string, name: string, env: NodeJS.ProcessEnv): string {
  const own = Object.keys(env).find((key) => env[key] === value && /^[A-Za-z_]\w*$/.test(key));
  return `"$${own ?? name}"`;
}

/** A URL may carry a password or a token: each value becomes `...`. */
export function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/?#@]*@/, "//...@").replace(/[?#].*$/s, (rest) => rest.replaceAll(/=[^&#]*/g, "=..."));
}

/** A word of a shell's command line. */
export function quoted(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** How the reader starts this program again. @param script the running script, as in process.argv[1] */
export function programName(script: string | undefined): string {
  if (script === undefined || /[\\/]node_modules[\\/]/.test(script)) return "npx wsproof";
  if (/[\\/]wsproof$/.test(script)) return "wsproof";
  return script.endsWith("cli.js") ? `node ${quoted(script)}` : "npx wsproof";
}
