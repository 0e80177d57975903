// A scripted client: sends, and waits for what it expects, within a bound.
import WebSocket from "ws";

const waitMs = 20_000;

// biome-ignore lint/suspicious/noExplicitAny: frames of any protocol, which the scripts know
export type Frame = any;

export class Talker {
  readonly #socket: WebSocket;
  readonly #unread: Frame[] = [];
  #wake: () => void = () => undefined;
  #ids = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      this.#unread.push(JSON.parse(String(data)));
      this.#wake();
    });
    socket.on("close", () => this.#wake());
    socket.on("error", () => this.#wake());
  }

  static async open(url: string, subprotocols: readonly string[] = [], headers: Record<string, string> = {}): Promise<Talker> {
    const socket = new WebSocket(url, [...subprotocols], { headers, handshakeTimeout: waitMs });
    const talker = new Talker(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return talker;
  }

  /** A number that it has not drawn before. */
  nextId(): number {
    return ++this.#ids;
  }

  send(message: unknown): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** @throws Error where it does not come, with what came instead */
  async until(expected: string, matches: (frame: Frame) => boolean): Promise<Frame> {
    for (const endMs = performance.now() + waitMs; ; ) {
      const index = this.#unread.findIndex(matches);
      if (index >= 0) return this.#unread.splice(index, 1)[0];
      const leftMs = endMs - performance.now();
      if (leftMs <= 0 || this.#socket.readyState > WebSocket.OPEN)
        throw new Error(`expected ${expected}, got ${JSON.stringify(this.#unread.slice(-5))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.close(1000);
    await closed;
  }
}
