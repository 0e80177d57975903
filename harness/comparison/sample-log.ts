// The small document with a log, loaded for tests, and the texts of a server that speaks it.

import { fileURLToPath } from "node:url";
import type { Channel, Contract } from "../../spec/contract.ts";
import { loadContract } from "../../spec/load-contract.ts";
import { createValidators } from "../../spec/schemas.ts";
import { createMessages, type Messages } from "../client/messages.ts";
import type { TestClient } from "../client/test-client.ts";
import { encodeFrame } from "../client/wire/frame.ts";
import type { ByteReader } from "../client/wire/socket.ts";
import { type LogRoles, logRoles } from "../cluster/log-roles.ts";

export const sampleLogFile = fileURLToPath(new URL("../load/fixtures/log.yaml", import.meta.url));

export interface SampleLog {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly messages: Messages;
  readonly roles: LogRoles;
}

export async function loadSampleLog(): Promise<SampleLog> {
  const { contract } = await loadContract({ file: sampleLogFile });
  const [channel] = contract!.channels;
  const validators = createValidators(contract!);
  const messages = createMessages(contract!, channel!, (name, value) =>
    validators
      .of(name)(value)
      .map(({ text }) => text),
  );
  return { contract: contract!, channel: channel!, messages, roles: logRoles(contract!, channel!)! };
}

/** A delivery of the log `news`, as a server writes it. */
export const said = (seq: number, text: string, { log = "news", epoch = "e1" } = {}): string =>
  JSON.stringify({ type: "said", log, epoch, seq, text });

/** A peer whose server is the test: `say` brings texts in one chunk, `sent` is what was sent to it. */
export interface SamplePeer {
  readonly peer: TestClient;
  readonly sent: unknown[];
  say(...texts: readonly string[]): void;
  push(bytes: Buffer): void;
  end(how: "fin" | "reset"): void;
}

export function createSamplePeer(): SamplePeer {
  let reader: ByteReader | undefined;
  const sent: unknown[] = [];
  const socket = {
    takeBytes(one: ByteReader) {
      reader = one;
    },
    sendText: (text: string) => sent.push(text),
    sendFrame: (frame: unknown) => sent.push(frame),
    sendClose: (code: number | undefined) => sent.push({ close: code }),
    end: () => undefined,
    destroy: () => undefined,
  };
  const push = (bytes: Buffer) => reader!.bytes(bytes);
  return {
    peer: { handOver: () => ({ socket, waiting: [], closed: undefined }) } as unknown as TestClient,
    sent,
    say: (...texts) => push(Buffer.concat(texts.map((payload) => encodeFrame({ opcode: 1, payload })))),
    push,
    end: (how) => reader!.ended(how),
  };
}
