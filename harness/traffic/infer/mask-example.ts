// Examples without what belongs to somebody: tokens, passwords, addresses. What is put in its place keeps the type and the format.
import { secretName } from "../../client/mask.ts";

const jwt = /^eyJ[\w-]+\.[\w-]*(\.[\w-]*)?$/;
const email = /^[\w.+-]+@[\w-]+(\.[\w-]+)+$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Long and mixed: a key or a session rather than words. */
const keyLike = /^(?=.*\d)(?=.*[A-Za-z])[\w+/=-]{28,}$/;
/** Names that only look like secrets. */
const harmless = /^(key|keys|keyword|keywords|author|keyCode|tokenCount|t)$/i;

/** The value with secrets replaced. @param keep values that may stay, such as tags and codes */
export function withoutSecrets(value: unknown, keep: ReadonlySet<unknown>, name = ""): unknown {
  if (Array.isArray(value)) return value.slice(0, 20).map((item) => withoutSecrets(item, keep, name));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutSecrets(member, keep, key)]));
  if (typeof value !== "string" || keep.has(value)) return value;
  if (secretName.test(name) && !harmless.test(name)) return "(secret)";
  if (jwt.test(value)) return "(secret)";
  if (email.test(value)) return "somebody@example.com";
  if (uuid.test(value)) return "00000000-0000-4000-8000-000000000000";
  if (keyLike.test(value)) return "(secret)";
  return value
    .replace(/:\/\/[^/@\s]+:[^/@\s]+@/, "://")
    .replace(/([?&][^=&]*(?:token|key|secret|sig|auth)[^=&]*=)[^&#]*/gi, "$1(secret)");
}
