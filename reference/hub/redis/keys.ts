// The names of keys and channels. What one script touches has one hash tag, so that it lies in one slot of a Redis Cluster.
//
// A room's log, members and idempotency keys share {r:ROOM}. What belongs to a user (rate, idempotency keys, connections) has {u:USER}: another slot.
// Without Cluster the user's keys go along with the append, one call for all. With Cluster the user's rate and the look-up of the idempotency
// key are a call before it and the note of the key one after it; in between a key of the room's slot keeps repetitions apart.
// The channel of a log has the name of its stream.

export interface LogKeys {
  /** Hash: epoch, seq, and the run_id of the Redis that wrote last. */
  readonly meta: string;
  /** Stream whose entries have the id `SEQ-0`; also the channel. */
  readonly stream: string;
}

export interface RoomKeys extends LogKeys {
  /** Hash: clientId -> the member as JSON. */
  readonly members: string;
  /** Sorted set: clientId by the seq of its join. */
  readonly order: string;
  /** Set: the members that are connected to this node, for the sweep once it is dead. */
  at(node: string): string;
  /** With Cluster: where the message with the idempotency key went, for this room. */
  once(userId: string, key: string): string;
}

export interface Keys {
  room(room: string): RoomKeys;
  /** The log of all connections. */
  readonly broadcast: RoomKeys;
  /** The log of what is meant for connections of this node. */
  inbox(node: string): RoomKeys;
  /** Set: the rooms in which the node may have members. */
  roomsOf(node: string): string;
  /** Hash: clientId -> userId. */
  clientsOf(node: string): string;
  /** String: the node that the connection is on. */
  client(clientId: string): string;
  /** Hash: clientId -> node. */
  connections(userId: string): string;
  rate(userId: string): string;
  /** String: where the user's message with the idempotency key went. */
  once(userId: string, key: string): string;
  /** Hash: node -> beats counted. */
  readonly live: string;
  /** Set: nodes whose members are still to be swept. */
  readonly dead: string;
  /** String: who made these keys, and in which layout. */
  readonly format: string;
}

/** @param prefix begins every key; holds the database's number, because channels know no databases */
export function createKeys(prefix: string): Keys {
  const log = (tag: string): RoomKeys => {
    const meta = `${prefix}{${tag}}`;
    return {
      meta,
      stream: `${meta}:log`,
      members: `${meta}:members`,
      order: `${meta}:order`,
      at: (node) => `${meta}:at:${node}`,
      // A key has no spaces, a user may have.
      once: (userId, key) => `${meta}:once:${userId} ${key}`,
    };
  };
  // A user's name may hold braces, which would move the tag.
  const user = (userId: string): string => `${prefix}{u:${Buffer.from(userId).toString("base64url")}}`;
  return {
    room: (room) => log(`r:${room}`),
    broadcast: log("all"),
    inbox: (node) => log(`n:${node}`),
    roomsOf: (node) => `${prefix}{n:${node}}:rooms`,
    clientsOf: (node) => `${prefix}{n:${node}}:clients`,
    client: (clientId) => `${prefix}{c:${clientId}}`,
    connections: (userId) => `${user(userId)}:connections`,
    rate: (userId) => `${user(userId)}:rate`,
    once: (userId, key) => `${user(userId)}:once:${key}`,
    live: `${prefix}{nodes}:live`,
    dead: `${prefix}{nodes}:dead`,
    format: `${prefix}{nodes}:format`,
  };
}
