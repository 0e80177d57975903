// Hides credentials in text: those that a run was given or issued, in every form in which they travel, and whatever looks like a JWT.

const hidden = "(credential)";
/** A JWS in its compact form, also cut or without a signature: its header begins with `{"`. */
const jwt = /eyJ[\w-]{8,}\.[\w-]*(?:\.[\w-]*)?/g;
/** The same in base64url, as a subprotocol carries it. */
const encodedJwt = /ZXlK[\w-]{24,}/g;
/** What a credential may be part of: everything else in a text ends it. */
const word = /[\w.~+/%-]+=*/g;
const isWord = /^[\w.~+/%-]+=*$/;
/** Shorter ones would hide ordinary words. */
const minLength = 6;

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
  const add = (credential: string) => {
    if (credential.length < minLength) return;
    const inBase64 = Buffer.from(credential).toString("base64url");
    for (const form of [credential, encodeURIComponent(credential), inBase64, JSON.stringify(credential).slice(1, -1)]) {
      if (!isWord.test(form)) others.add(form);
      else for (const prefix of ["", ...prefixes]) words.add(prefix + form);
    }
  };
  for (const credential of known) add(credential);
  return {
    add,
    hide(text) {
      let masked = text.replaceAll(jwt, hidden).replaceAll(encodedJwt, hidden);
      if (words.size > 0) masked = masked.replaceAll(word, (one) => (words.has(one) ? hidden : one));
      for (const other of others) masked = masked.replaceAll(other, hidden);
      return masked;
    },
  };
}
