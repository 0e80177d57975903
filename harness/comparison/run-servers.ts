// Where the measurements take place: servers that are started and surely stopped, turns, and what is said meanwhile.
import type { PeerId, RunningPeer } from "./servers.ts";
import { startPeer } from "./servers.ts";

export interface PeerInRooms {
  readonly id: PeerId;
  readonly rooms: number;
}

export interface Stage {
  /** Runs `work` with the servers started anew; those that cannot run here are left out, and said once. */
  withPeers(peers: readonly (PeerId | PeerInRooms)[], work: (running: readonly RunningPeer[]) => Promise<void>): Promise<void>;
  /** All, beginning with another one each round. */
  inTurn<One>(all: readonly One[], round: number): readonly One[];
  say(line: string): void;
}

/** @param frameBytes of a delivery of the bare server */
export function createStage(
  say: (line: string) => void,
  frameBytes: () => number,
): Stage & { readonly absent: Map<PeerId, string> } {
  const absent = new Map<PeerId, string>();
  return {
    absent,
    say,
    inTurn: (all, round) => all.map((_, at) => all[(at + round) % all.length]!),
    async withPeers(peers, work) {
      const running: RunningPeer[] = [];
      try {
        for (const peer of peers) {
          const { id, rooms } = typeof peer === "string" ? { id: peer, rooms: 1 } : peer;
          if (absent.has(id)) continue;
          try {
            running.push(await startPeer(id, { frameBytes: frameBytes(), rooms }));
          } catch (error) {
            // Without the reference there is nothing to compare with.
            if (id === "reference") throw error;
            absent.set(id, (error as Error).message);
            say(`left out: ${(error as Error).message}`);
          }
        }
        await work(running);
      } finally {
        await Promise.all(running.map((peer) => peer.stop()));
      }
    },
  };
}
