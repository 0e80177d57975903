// How one compared server is spoken to: texts and bytes that are ready before anything is measured.
import type { Channel, Contract } from "../../spec/contract.ts";
import { createRequest } from "../client/dial.ts";
import { createMessages, withValueAt } from "../client/messages.ts";
import { emitRequest } from "../client/wire/upgrade.ts";
import { logRoles } from "../cluster/log-roles.ts";
import { echoOperation } from "../load/operations.ts";

export interface Adapter {
  /** The whole HTTP request of the nth connection. */
  upgrade(url: URL, connection: number): string;
  /** What a client sends after the upgrade, and what the answer holds; undefined: nothing. */
  readonly hello?: { readonly text: string; readonly answerHolds: string };
  /** Whether the server's first frame says that the connection is ready; false: the upgrade does. */
  readonly greets: boolean;
  /** The answer holds the id in quotes. undefined: to be connected is to be a member. */
  join?(room: string, id: string): string;
  /** Every member gets the content. */
  publish(room: string, content: string): string;
  /** Its answer is one frame; undefined: the server has no echo. */
  echo?(content: string): string;
}

function plainUpgrade(path: string): Adapter["upgrade"] {
  return ({ host }, connection) =>
    emitRequest({
      method: "GET",
      path,
      httpVersion: "HTTP/1.1",
      headers: [
        ["Host", host],
        ["Connection", "Upgrade"],
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Version", "13"],
        [
          "Sec-WebSocket-Key",
          Buffer.from(`connection ${connection}`.padEnd(16, "."), "latin1").subarray(0, 16).toString("base64"),
        ],
      ],
    });
}

/** Of the servers beside this file that speak JSON. */
export const tutorialAdapter: Adapter = {
  upgrade: plainUpgrade("/"),
  greets: true,
  join: (room, id) => JSON.stringify({ type: "join", id, payload: { room } }),
  publish: (room, content) => JSON.stringify({ type: "say", id: "m", payload: { room, content } }),
  echo: (content) => JSON.stringify({ type: "echo", id: "e", payload: content }),
};

/** Engine.IO 4 and Socket.IO 5: `0` open, `40` connect, `42` event. */
export const socketIoAdapter: Adapter = {
  upgrade: plainUpgrade("/socket.io/?EIO=4&transport=websocket"),
  hello: { text: "40", answerHolds: '40{"sid"' },
  greets: true,
  join: (room, id) => `42${JSON.stringify(["join", { room, id }])}`,
  publish: (room, content) => `42${JSON.stringify(["say", { room, content }])}`,
};

/** Of the server that only writes: a connection's number, in its path, decides its room. */
export const bareAdapter: Adapter = {
  upgrade: (url, connection) => plainUpgrade(`/${connection}`)(url, connection),
  greets: false,
  publish: (_room, content) => content,
};

/** Our own, from the document alone. @throws Error where it has no log that members of a relation get, or no request to echo */
export function contractAdapter(contract: Contract, channel: Channel, credential: string): Adapter {
  const roles = logRoles(contract, channel);
  if (roles === undefined) throw new Error("the document has no log that can be joined and published to");
  const messages = createMessages(contract, channel, () => []);
  function example(name: string): unknown {
    return messages.message(name).examples[0]?.payload;
  }
  function text(name: string, values: Readonly<Record<string, string | undefined>>): string {
    const { correlation } = messages.message(name);
    const { "": id, ...rest } = values;
    const all = correlation === undefined ? rest : { ...rest, [correlation]: id };
    return JSON.stringify(Object.entries(all).reduce((value, [at, member]) => withValueAt(value, at, member), example(name)));
  }
  const request = echoOperation(contract, channel.id, channel.delivery?.fence);
  const reply = request.effects.find((effect) => effect.kind === "reply");
  const bound = reply?.kind === "reply" ? [...reply.bindings.values()].find(({ kind }) => kind === "message") : undefined;
  if (bound?.kind !== "message") throw new Error("the document has no request whose reply holds what it got");
  return {
    upgrade: (url, connection) =>
      emitRequest(createRequest({ url, channel, options: {}, credential, origin: undefined, connection })),
    greets: true,
    join: (room, id) =>
      text(roles.join.messages[0]!, {
        "": id,
        [roles.key.joined]: room,
        ...(roles.replay && { [roles.replay.since]: undefined }),
      }),
    publish: (room, content) =>
      text(roles.publish.messages[0]!, {
        "": "m",
        [roles.key.published]: room,
        [roles.content.sent]: content,
        ...(roles.once !== undefined && { [roles.once]: undefined }),
      }),
    echo: (content) => text(request.messages[0]!, { "": "e", [bound.pointer]: content }),
  };
}
