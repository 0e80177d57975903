// Values of options -> the command that gives them again, as one line for a shell, without what is secret.
import { secretName } from "../../client/mask.ts";
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
  if ("positional" in option) return [value].flat().map((url) => quotedUrl(String(url), env));
  const flag = longFlag(option);
  if (value === true) return [flag];
  if (option.type === "object") {
    return Object.entries(value as object).map(([name, one]) => `${flag} ${quoted(`${name}=${one}`)}`);
  }
  return [value].flat().map((one) => {
    const text = "unit" in option ? `${Number(one) % 1000 === 0 ? `${Number(one) / 1000}s` : `${one}ms`}` : String(one);
    if (option.secret !== undefined) return `${flag} ${variableFor(text, option.secret, env)}`;
    return `${flag} ${flag === "--url" ? quotedUrl(text, env) : quoted(text)}`;
  });
}

/** The variable that holds the value, else the one that the reader is to set. */
function variableFor(value: string, name: string, env: NodeJS.ProcessEnv): string {
  return `"$${variableOf(value, name, env)}"`;
}

function variableOf(value: string, name: string, env: NodeJS.ProcessEnv): string {
  return Object.keys(env).find((key) => env[key] === value && /^[A-Za-z_]\w*$/.test(key)) ?? name;
}

/** A URL whose secrets are variables of the shell, such as `"ws://h/?token=$TOKEN"`. */
function quotedUrl(url: string, env: NodeJS.ProcessEnv): string {
  const shown = replaceSecrets(url, (name, value) => `\0${variableOf(value, name.toUpperCase().replaceAll(/\W/g, "_"), env)}`);
  if (!shown.includes("\0")) return quoted(url);
  return `"${shown.replaceAll(/["$`\\]/g, "\\$&").replaceAll("\0", "$")}"`;
}

/** A URL may carry a password or a token: it becomes `...`. */
export function withoutSecrets(url: string): string {
  return replaceSecrets(url, () => "...");
}

function replaceSecrets(url: string, by: (name: string, value: string) => string): string {
  return url
    .replace(/(\/\/[^/?#@:]*:)([^/?#@]*)@/, (_, user: string, value: string) => `${user}${by("password", value)}@`)
    .replace(/[?#].*$/s, (rest) =>
      rest.replaceAll(/([?&#])([^=&#]*)=([^&#]*)/g, (whole, mark: string, name: string, value: string) =>
        secretName.test(name) ? `${mark}${name}=${by(name, value)}` : whole,
      ),
    );
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
