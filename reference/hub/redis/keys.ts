// Names of keys and channels. Everything that one script touches shares a hash tag, and so a slot of a Redis Cluster.
//
// {r:ROOM}: a room's log, members and idempotency keys. {u:USER}: what belongs to a user (rate, idempotency keys, connections), in another slot.
// Without a Cluster, one append call takes the user's keys along. With a Cluster, a call before the append checks the user's rate and
// idempotency key, and a call after it stores the key; between the two, a key in the room's slot recognises repetitions.
// The channel of a log has the name of its stream.

export interface RoomKeys {
  /** Hash: epoch, seq, and the run_id of the Redis that wrote last. */
  readonly meta: string;
  /** Stream whose entries have the id `SEQ-0`; also the channel. */
  readonly stream: string;
  /** Hash: clientId -> the member as JSON. */
  readonly members: string;
  /** Sorted set: clientId by the seq of its join. */
  readonly order: string;
  /** Set: members whose connection is on this node. They are removed when the node is dead. */
  membersOn(node: string): string;
  /** With a Cluster, string: the position of the message with this idempotency key in this room. */
  idempotency(userId: string, key: string): string;
}

export interface Keys {
  room(room: string): RoomKeys;
  /** The log of all connections. */
  readonly broadcast: RoomKeys;
  /** The log of direct messages to connections of this node. */
  inbox(node: string): RoomKeys;
  /** Set: rooms in which the node may have members. */
  roomsOf(node: string): string;
  /** Hash: clientId -> userId. */
  clientsOf(node: string): string;
  /** String: the node that holds the connection. */
  client(clientId: string): string;
  /** Hash: clientId -> node. */
  connections(userId: string): string;
  rate(userId: string): string;
  /** String: the position of the user's message with this idempotency key. */
  idempotency(userId: string, key: string): string;
  /** Hash: node -> heartbeats counted. */
  readonly live: string;
  /** Set: dead nodes whose members are not all removed yet. */
  readonly dead: string;
  /** String: which program made these keys, and in which layout. */
  readonly format: string;
}

/** @param prefix begins every key; contains the database's number, because channels are shared by all databases */
export function createKeys(prefix: string): Keys {
  const log = (tag: string): RoomKeys => {
    const meta = `${prefix}{${tag}}`;
    return {
      meta,
      stream: `${meta}:log`,
      members: `${meta}:members`,
      order: `${meta}:order`,
      membersOn: (node) => `${meta}:at:${node}`,
      // The space separates the two, because an idempotency key has none.
      idempotency: (userId, key) => `${meta}:once:${userId} ${key}`,
    };
  };
  // Encoded, because braces in a user id would change the hash tag.
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
    idempotency: (userId, key) => `${user(userId)}:once:${key}`,
    live: `${prefix}{nodes}:live`,
    dead: `${prefix}{nodes}:dead`,
    format: `${prefix}{nodes}:format`,
  };
}
