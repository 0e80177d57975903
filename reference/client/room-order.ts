// One room as a member sees it: each event once and in order, over reconnects; what is missing is reported, never passed over. Pure.

export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** Events that were missed and will not come: from `after` (undefined: unknown) up to `upTo`. */
export interface Gap {
  readonly after: Position | undefined;
  readonly upTo: Position;
}

export type Verdict = "deliver" | "repeated" | "gap";

export interface RoomOrder {
  /** The last event that was delivered or is known to be none of ours; undefined before the first join. */
  readonly position: Position | undefined;
  /**
   * The reply to a join has come.
   * @returns the gap, where events were missed that do not follow
   */
  joined(at: Position, recovered: boolean | undefined): Gap | undefined;
  /** An event has come. After `gap` the room must be joined again with the position. */
  event(at: Position): Verdict;
  /** The server cannot show that nothing was missed. */
  forget(): void;
}

export function createRoomOrder(): RoomOrder {
  let position: Position | undefined;
  /** The place of our own join, which is announced to others alone. */
  let ownJoin: number | undefined;

  return {
    get position() {
      return position;
    },
    joined({ epoch, seq }, recovered) {
      const at = { epoch, seq };
      const before = position;
      if (before !== undefined && recovered === true && before.epoch === at.epoch && before.seq <= at.seq) {
        // What was missed follows, up to our own join.
        ownJoin = at.seq;
        if (before.seq + 1 === at.seq) position = at;
        return undefined;
      }
      position = at;
      ownJoin = undefined;
      const missed = before !== undefined && !(before.epoch === at.epoch && at.seq <= before.seq + 1);
      return missed ? { after: before, upTo: at } : undefined;
    },
    event({ epoch, seq }) {
      const at = { epoch, seq };
      if (position === undefined || at.epoch !== position.epoch) return "gap";
      if (at.seq <= position.seq) return "repeated";
      const skipsOwnJoin = ownJoin === position.seq + 1 && at.seq === position.seq + 2;
      if (at.seq !== position.seq + 1 && !skipsOwnJoin) return "gap";
      position = at;
      return "deliver";
    },
    forget() {
      position = undefined;
      ownJoin = undefined;
    },
  };
}
