// The URLs of a target.
import { UsageError } from "../../schema/errors.ts";

/** @throws UsageError, with the URL that was probably meant */
export function checkUrls(urls: string | readonly string[]): readonly string[] {
  return [urls].flat().map(checkUrl);
}

function checkUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(`expected a URL such as ws://127.0.0.1:8080/ws, got "${text}"`);
  }
  if (url.protocol === "http:" || url.protocol === "https:") {
    throw new UsageError(`expected a ws: or wss: URL, got "${text}"; write ${text.replace(/^http/, "ws")}`);
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") throw new UsageError(`expected a ws: or wss: URL, got "${text}"`);
  return text;
}
