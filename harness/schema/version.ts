// Our own version, as package.json says it.
import { readFileSync } from "node:fs";

export function ownVersion(): string {
  const up = import.meta.url.includes("/dist/") ? "../../../package.json" : "../../package.json";
  return JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")).version;
}
