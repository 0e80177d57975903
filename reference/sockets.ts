// Owns every TCP socket of the server from accept to close: counts them by state and by address, bounds them, and destroys them in time.
import { readFileSync } from "node:fs";
import type { Server, Socket } from "node:net";

/** http: HTTP or an upgrade under way; refused: a rejected upgrade; open: a WebSocket; closing: a WebSocket after a close frame. */
export const socketStates = ["http", "refused", "open", "closing"] as const;
export type SocketState = (typeof socketStates)[number];

/** How long a refused client may take to read the response and close, in ms. */
const refusedMs = 1_000;
/** Bytes that are still read from a client after a refusal or a close frame. */
export const maxBytesAfterEnd = 65_536;
/** Descriptors that the process needs for other things than clients. */
const reservedDescriptors = 64;
/** Sockets above the limit that are still answered with a status or a close code. */
const answeredShare = 0.05;
const minAnswered = 16;

export interface SocketLimits {
  readonly maxSockets: number;
  /** Sockets of one client address. An IPv6 address counts by its /64 network. */
  readonly maxPerAddress: number;
}

interface Owned {
  state: SocketState;
  address: string | undefined;
}

export class SocketRegistry {
  readonly #limits: SocketLimits;
  readonly #onShed: (shedInAll: number) => void;
  readonly #sockets = new Map<Socket, Owned>();
  /** TCP sockets by their peer, until their TLS handshake is done. */
  readonly #handshaking = new Map<string, Socket>();
  /** TLS socket -> the TCP socket below it. Each ends with the other. */
  readonly #below = new WeakMap<Socket, Socket>();
  readonly #perAddress = new Map<string, number>();
  readonly #perState: Record<SocketState, number> = { http: 0, refused: 0, open: 0, closing: 0 };
  #shed = 0;

  /** @param onShed called when sockets were dropped at accept, without an answer */
  constructor(limits: SocketLimits, onShed: (shedInAll: number) => void) {
    this.#limits = limits;
    this.#onShed = onShed;
  }

  get maxSockets(): number {
    return this.#limits.maxSockets;
  }

  /** Sockets dropped at accept so far. */
  get shed(): number {
    return this.#shed;
  }

  count(state: SocketState): number {
    return this.#perState[state];
  }

  /** Takes over the sockets of a server. Those far above the limit are dropped before a Socket object exists. */
  own(server: Server): void {
    const { maxSockets } = this.#limits;
    server.maxConnections = maxSockets + Math.max(minAnswered, Math.floor(maxSockets * answeredShare));
    server.on("drop", () => this.#countShed());
    // Accepting can fail at the descriptor limit. Without a listener that would end the process.
    server.on("error", () => {
      if (server.listening) this.#countShed();
    });
    server.on("connection", (socket: Socket) => this.#add(socket));
  }

  /** Also takes over the sockets of a TLS server, from before their handshake. */
  ownTls(server: Server): void {
    server.prependListener("connection", (socket: Socket) => {
      const peer = peerOf(socket);
      this.#handshaking.set(peer, socket);
      socket.once("close", () => {
        if (this.#handshaking.get(peer) === socket) this.#handshaking.delete(peer);
      });
    });
    server.on("secureConnection", (secure: Socket) => {
      const socket = this.#handshaking.get(peerOf(secure));
      if (socket !== undefined) this.#below.set(secure, socket);
      this.#handshaking.delete(peerOf(secure));
    });
    this.own(server);
  }

  #find(socket: Socket): Owned | undefined {
    return this.#sockets.get(this.#below.get(socket) ?? socket);
  }

  #countShed(): void {
    this.#shed += 1;
    this.#onShed(this.#shed);
  }

  #add(socket: Socket): void {
    const owned: Owned = { state: "http", address: undefined };
    this.#sockets.set(socket, owned);
    this.#perState.http += 1;
    this.#setAddress(owned, socket.remoteAddress);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#perState[owned.state] -= 1;
      this.#setAddress(owned, undefined);
    });
    const { address } = owned;
    if (address !== undefined && this.#perAddress.get(address)! > this.#limits.maxPerAddress + minAnswered) {
      socket.destroy();
      this.#countShed();
    }
  }

  #setAddress(owned: Owned, address: string | undefined): void {
    const { address: before } = owned;
    if (before !== undefined) {
      const left = this.#perAddress.get(before)! - 1;
      if (left === 0) this.#perAddress.delete(before);
      else this.#perAddress.set(before, left);
    }
    owned.address = address === undefined ? undefined : networkOf(address);
    if (owned.address !== undefined) this.#perAddress.set(owned.address, (this.#perAddress.get(owned.address) ?? 0) + 1);
  }

  setState(socket: Socket, state: SocketState): void {
    const owned = this.#find(socket);
    if (owned === undefined) return;
    this.#perState[owned.state] -= 1;
    this.#perState[state] += 1;
    owned.state = state;
  }

  /**
   * Decides whether a socket may become a WebSocket.
   * @param clientAddress of the client itself, where a trusted proxy reports it
   */
  admit(socket: Socket, clientAddress: string | undefined): "ok" | "full" | "address-full" {
    const owned = this.#find(socket);
    if (owned === undefined) return "ok";
    if (clientAddress !== undefined && networkOf(clientAddress) !== owned.address) this.#setAddress(owned, clientAddress);
    if (this.#sockets.size > this.#limits.maxSockets) return "full";
    const ofAddress = owned.address === undefined ? 0 : this.#perAddress.get(owned.address)!;
    return ofAddress > this.#limits.maxPerAddress ? "address-full" : "ok";
  }

  /** Sends the response to a refused upgrade and ends the socket, whatever its client does. */
  refuse(socket: Socket, response: string): void {
    this.setState(socket, "refused");
    const timer = setTimeout(() => socket.destroy(), refusedMs);
    socket.once("close", () => clearTimeout(timer));
    // Node's HTTP sockets stay open after the client's FIN, and see it only while they are read.
    const limitBytes = socket.bytesRead + maxBytesAfterEnd;
    socket.on("data", () => {
      if (socket.bytesRead > limitBytes) socket.destroy();
    });
    socket.end(response);
  }

  /** Ends whatever is left. */
  destroyAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/** IPv4 addresses as they are, IPv6 addresses by their /64 network, because one client usually has a whole one. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}

/** The sockets that the process' descriptor limit leaves for clients; undefined where the system does not tell. */
export function socketsWithinDescriptors(): number | undefined {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? undefined : Math.max(1, Number(limit) - reservedDescriptors);
  } catch {
    return undefined;
  }
}

/** The address of the client behind this many trusted proxies, as the outermost of them saw it; undefined without a proxy. */
export function forwardedAddress(forwardedFor: string | readonly string[] | undefined, trustedHops: number): string | undefined {
  if (trustedHops === 0 || forwardedFor === undefined) return undefined;
  const list = (typeof forwardedFor === "string" ? forwardedFor : forwardedFor.join(",")).split(",").map((one) => one.trim());
  const address = list.at(-trustedHops) ?? list[0];
  return address === "" ? undefined : address;
}
