// A heading with what is below it, and links between sections.
import { code } from "./markdown-syntax.ts";

/** A heading and what is below it; nothing where there is nothing. */
export function section(heading: string, ...parts: readonly string[]): string {
  const body = parts.filter((part) => part !== "");
  return body.length === 0 ? "" : [heading, ...body].join("\n\n");
}

export const joined = (parts: readonly string[]): string => parts.filter((part) => part !== "").join("\n\n");

export const anchor = (name: string) => name.replaceAll(/[^A-Za-z0-9_-]/g, "-");
export const link = (name: string) => `[${code(name)}](#message-${anchor(name)})`;
