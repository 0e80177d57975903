// A package.json that a user has only begun: with `npm init`, or with `npm install wsproof` in an empty folder.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

type Entries = Readonly<Record<string, string>>;
interface Manifest {
  readonly main?: string;
  readonly scripts?: Entries;
  readonly dependencies?: Entries;
  readonly devDependencies?: Entries;
}

/** @returns undefined where there is none, or where it has scripts or code of the user's */
export function readStartedManifest(file: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    const scripts = Object.values(manifest.scripts ?? {});
    const hasCode = manifest.main !== undefined && existsSync(path.join(path.dirname(file), manifest.main));
    return hasCode || scripts.some((text) => !text.includes("no test specified")) ? undefined : manifest;
  } catch {
    return undefined;
  }
}

/** Scripts and the type of modules are the template's; what the user installed stays. */
export function completeManifest({ main: _, ...started }: Manifest, template: string): string {
  const { type, scripts, dependencies, devDependencies, ...rest } = JSON.parse(template) as Manifest & { type: string };
  const wanted = Object.entries({ ...devDependencies }).filter(([name]) => started.dependencies?.[name] === undefined);
  const whole = {
    ...rest,
    ...started,
    type,
    scripts,
    dependencies: { ...dependencies, ...started.dependencies },
    devDependencies: { ...Object.fromEntries(wanted), ...started.devDependencies },
  };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}
