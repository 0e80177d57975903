// permessage-deflate (RFC 7692): what an answer to an offer agrees to, and messages compressed and inflated. No sockets.
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

/** What the server's answer agrees to. */
export interface DeflateParameters {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** 8 to 15. */
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** One element of a Sec-WebSocket-Extensions header. A parameter without a value is `true`. */
export interface Extension {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | true])[];
}

export const extensionName = "permessage-deflate";

export function parseExtensions(header: string | undefined): readonly Extension[] {
  if (header === undefined || header.trim() === "") return [];
  return header.split(",").map((element) => {
    const [name = "", ...parameters] = element.split(";").map((part) => part.trim());
    return {
      name: name.toLowerCase(),
      parameters: parameters.map((parameter) => {
        const equals = parameter.indexOf("=");
        if (equals < 0) return [parameter.toLowerCase(), true] as const;
        const value = parameter.slice(equals + 1).trim();
        return [parameter.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, "$1")] as const;
      }),
    };
  });
}

/** Whether the offer has this parameter, and its value. */
function offered(offers: readonly Extension[], name: string): string | true | undefined {
  for (const { parameters } of offers) for (const [known, value] of parameters) if (known === name) return value;
  return undefined;
}

/**
 * What the answer agrees to, and what section 7.1 of RFC 7692 forbids about it, in words.
 * @param offer the header of the request
 * @param answer the header of the 101 response
 * @returns undefined where the server declined
 */
export function readAnswer(
  offer: string | undefined,
  answer: string | undefined,
): { readonly parameters: DeflateParameters; readonly wrong: readonly string[] } | undefined {
  const answers = parseExtensions(answer).filter(({ name }) => name === extensionName);
  const [first] = answers;
  if (first === undefined) return undefined;
  const offers = parseExtensions(offer).filter(({ name }) => name === extensionName);
  const wrong: string[] = [];
  if (offers.length === 0) wrong.push(`${extensionName} although it was not offered`);
  if (answers.length > 1) wrong.push(`${extensionName} ${answers.length} times`);
  const names = first.parameters.map(([name]) => name);
  for (const name of new Set(names)) if (names.filter((one) => one === name).length > 1) wrong.push(`${name} twice`);
  let parameters: DeflateParameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  for (const [name, value] of first.parameters) {
    const bits = typeof value === "string" && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : undefined;
    if (name === "server_no_context_takeover" || name === "client_no_context_takeover") {
      if (value !== true) wrong.push(`${name} with the value ${value}`);
      if (name === "server_no_context_takeover") parameters = { ...parameters, serverNoContextTakeover: true };
      else parameters = { ...parameters, clientNoContextTakeover: true };
    } else if (name === "server_max_window_bits") {
      const most = offered(offers, name);
      if (bits === undefined) wrong.push(`${name}=${value}, which is not from 8 to 15`);
      else if (typeof most === "string" && bits > Number(most)) wrong.push(`${name}=${bits}, over the ${most} that were offered`);
      parameters = { ...parameters, serverMaxWindowBits: bits ?? 15 };
    } else if (name === "client_max_window_bits") {
      if (offers.length > 0 && offered(offers, name) === undefined) wrong.push(`${name} although it was not offered`);
      if (bits === undefined) wrong.push(`${name}=${value}, which is not from 8 to 15`);
      parameters = { ...parameters, clientMaxWindowBits: bits ?? 15 };
    } else wrong.push(`the unknown parameter ${name}`);
  }
  const single = offers.length === 1;
  if (single && offered(offers, "server_no_context_takeover") !== undefined && !parameters.serverNoContextTakeover)
    wrong.push("no server_no_context_takeover although it was asked for");
  if (single && typeof offered(offers, "server_max_window_bits") === "string" && !names.includes("server_max_window_bits"))
    wrong.push("no server_max_window_bits although it was asked for");
  return { parameters, wrong };
}

/** A flushed DEFLATE stream ends with these bytes, which a message leaves out (section 7.2.1). */
const tail = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const windowBytes = 32_768;

/**
 * The payload of a compressed message.
 * @param history bytes of earlier messages that this one may refer to (context takeover), default none
 * @param level 0: stored without compression, default 6
 */
export function deflate(
  data: Uint8Array,
  {
    history,
    windowBits = 15,
    level = 6,
  }: { readonly history?: Buffer; readonly windowBits?: number; readonly level?: number } = {},
): Buffer {
  // zlib makes no raw stream with a window of 256 bytes.
  const options = { windowBits: Math.max(9, windowBits), level, finishFlush: constants.Z_SYNC_FLUSH };
  const dictionary = history?.subarray(-windowBytes);
  const bytes = deflateRawSync(data, dictionary === undefined || dictionary.length === 0 ? options : { ...options, dictionary });
  return bytes.subarray(0, bytes.length - tail.length);
}

/** Inflates the messages of one direction, in order. */
export class Inflater {
  readonly #keepsContext: boolean;
  readonly #windowBits: number;
  readonly #maxBytes: number;
  #history: Buffer = Buffer.alloc(0);

  /** @param maxBytes of one inflated message */
  constructor({ serverNoContextTakeover, serverMaxWindowBits }: DeflateParameters, maxBytes: number) {
    this.#keepsContext = !serverNoContextTakeover;
    this.#windowBits = serverMaxWindowBits;
    this.#maxBytes = maxBytes;
  }

  /** @returns undefined where the payload is no DEFLATE data, or inflates to more than the limit */
  inflate(payload: Uint8Array): Buffer | undefined {
    const options = {
      windowBits: Math.max(9, this.#windowBits),
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: this.#maxBytes,
    };
    try {
      const whole = Buffer.concat([payload, tail]);
      const data = inflateRawSync(whole, this.#history.length === 0 ? options : { ...options, dictionary: this.#history });
      if (this.#keepsContext) this.#history = Buffer.concat([this.#history, data]).subarray(-(2 ** this.#windowBits));
      return data;
    } catch {
      return undefined;
    }
  }
}
