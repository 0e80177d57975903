// Hides credentials in text: those that a run was given or issued, in every form in which they travel, and whatever looks like a JWT.

/** What stands in place of a credential. */
export const hidden = "(credential)";
/** A JWS in its compact form, also without a signature: its header begins with `{"`. */
const jwt = /eyJ[\w-]{8,}\.[\w-]*(?:\.[\w-]*)?/g;
/** What is left of one that was cut: it begins with a header's alg, typ, kid or enc, or the mark of a cut follows. */
const cutJwt = /eyJ(?:hbGc|0eXA|raWQ|lbmM)[\w-]*|eyJ[\w-]*(?=\.\.\.|\u2026)/g;
/** The same in base64url, as a subprotocol carries it. */
const encodedJwt = /ZXlK[\w-]{24,}|ZXlK[\w-]*(?=\.\.\.|\u2026)/g;
/** What a credential may be part of: everything else in a text ends it. */
const word = /[\w.~+/%-]+=*/g;
const isWord = /^[\w.~+/%-]+=*$/;
/** Shorter ones would hide ordinary words. */
const minLength = 6;
/** A word that begins a known credential with this many characters is a piece of it that was cut. */
const minPiece = 10;

/** Names of query parameters whose values are secret. */
export const secretName = /token|key|secret|pass|auth|jwt|sig|ticket|session|^t$/i;

export interface Mask {
  /** Hides this credential from now on. */
  add(credential: string): void;
  /** The text without credentials. */
  hide(text: string): string;
}

/** @param prefixes what stands directly before a credential on the wire, such as `bearer.` */
export function createMask(known: readonly string[], prefixes: readonly string[] = []): Mask {
  const words = new Set<string>();
  const others = new Set<string>();
  const byStart = new Map<string, string[]>();
  const addWord = (text: string) => {
    if (words.has(text)) return;
    words.add(text);
    const start = text.slice(0, minPiece);
    // Pieces of a JWT are told by their form.
    if (text.length > minPiece && !start.startsWith("eyJ")) byStart.set(start, [...(byStart.get(start) ?? []), text]);
  };
  const isKnown = (text: string) =>
    words.has(text) || (byStart.get(text.slice(0, minPiece))?.some((one) => one.startsWith(text)) ?? false);
  const add = (credential: string) => {
    if (credential.length < minLength) return;
    const inBase64 = Buffer.from(credential).toString("base64url");
    for (const form of [credential, encodeURIComponent(credential), inBase64, JSON.stringify(credential).slice(1, -1)]) {
      if (!isWord.test(form)) others.add(form);
      else for (const prefix of ["", ...prefixes]) addWord(prefix + form);
    }
  };
  for (const credential of known) add(credential);
  return {
    add,
    hide(text) {
      let masked = text.replaceAll(jwt, hidden).replaceAll(cutJwt, hidden).replaceAll(encodedJwt, hidden);
      if (words.size > 0) masked = masked.replaceAll(word, (one) => hideWord(one, isKnown));
      for (const other of others) masked = masked.replaceAll(other, hidden);
      return masked;
    },
  };
}

/** A password, and query values whose name says that they are secret, such as `api_key`. */
export function credentialsOfUrls(urls: readonly string[]): readonly string[] {
  return urls
    .filter((text) => URL.canParse(text))
    .flatMap((text) => {
      const { password, searchParams } = new URL(text);
      const values = [...searchParams].filter(([name]) => secretName.test(name)).map(([, value]) => value);
      return password === "" ? values : [decodeURIComponent(password), ...values];
    });
}

function hideWord(text: string, isKnown: (text: string) => boolean): string {
  if (isKnown(text)) return hidden;
  // The mark of a cut, or the end of a sentence.
  const [, body = "", dots = ""] = /^(.*?)(\.+)$/.exec(text) ?? [];
  return body !== "" && isKnown(body) ? hidden + dots : text;
}
