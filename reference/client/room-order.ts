// One room as a member sees it: each event once and in order, across reconnects. What is missing is reported. Pure.

export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** Missed events: those after `after` (undefined: not known) up to and including `upTo`. */
export interface Gap {
  readonly after: Position | undefined;
  readonly upTo: Position;
}

export type Verdict = "deliver" | "repeated" | "gap";

export interface RoomOrder {
  /** The last event that was delivered or that is known to need no delivery; undefined before the first join. */
  readonly position: Position | undefined;
  /** Handles the reply to a join. @returns the gap if events were missed that the server does not replay */
  joined(at: Position, recovered: boolean | undefined): Gap | undefined;
  /** After `gap` the room must be joined again with the position, or the gap be accepted with `skip`. */
  event(at: Position): Verdict;
  /** Goes on after this event. @returns the gap before it */
  skip(to: Position): Gap;
  /** Forgets the position, because the server cannot prove that no event was missed. */
  forget(): void;
}

export function createRoomOrder(): RoomOrder {
  let position: Position | undefined;
  /** The position before `forget`. */
  let forgotten: Position | undefined;
  /** The position of the client's own join, which the server announces to the others only. */
  let ownJoin: number | undefined;

  return {
    get position() {
      return position;
    },
    joined({ epoch, seq }, recovered) {
      const at = { epoch, seq };
      const before = position ?? forgotten;
      const isNext = position?.epoch === epoch && (seq === position.seq || seq === position.seq + 1);
      ownJoin = undefined;
      forgotten = undefined;
      if (position?.epoch === epoch && recovered === true && position.seq < seq && !isNext) {
        // The missed events follow, up to the client's own join.
        ownJoin = seq;
        return undefined;
      }
      position = at;
      return before === undefined || isNext ? undefined : { after: before, upTo: at };
    },
    event({ epoch, seq }) {
      if (position === undefined || epoch !== position.epoch) return "gap";
      if (seq <= position.seq) return "repeated";
      const skipsOwnJoin = ownJoin === position.seq + 1 && seq === position.seq + 2;
      if (seq !== position.seq + 1 && !skipsOwnJoin) return "gap";
      position = { epoch, seq };
      return "deliver";
    },
    skip({ epoch, seq }) {
      const after = position;
      position = { epoch, seq };
      if (epoch !== after?.epoch) ownJoin = undefined;
      return { after, upTo: { epoch, seq: Math.max(0, seq - 1) } };
    },
    forget() {
      forgotten = position ?? forgotten;
      position = undefined;
      ownJoin = undefined;
    },
  };
}
