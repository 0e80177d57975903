// The catalogue of planted faults: one constructor each, made from the contract's names, so that they fit any document.

import { closingFaults } from "./closing.ts";
import { effectFaults } from "./effects.ts";
import { malformedFaults } from "./malformed.ts";
import { messageFaults } from "./messages.ts";
import type { Fault, NodesPlan } from "./plan.ts";
import { replyFaults } from "./replies.ts";
import { transportFaults } from "./transport.ts";

/** The switch of the test server that makes it accept permessage-deflate. */
export const compressingSwitch = "accepts-compression";

/**
 * Constructors of faults. `message` is a name of Contract.messages and says the direction by itself: on a client's message the server
 * is made to see another one than was sent. `operation` is an operation's id. Pointers point into the message.
 */
export const faults = {
  ...messageFaults,
  ...replyFaults,
  ...effectFaults,
  ...closingFaults,
  ...malformedFaults,
  ...transportFaults,

  /** The fault on a server that accepts permessage-deflate, which the honest server declines. */
  compressing: (fault: Fault): Fault =>
    fault.how.by === "proxy"
      ? { ...fault, id: `compressing/${fault.id}`, how: { ...fault.how, server: compressingSwitch } }
      : fault,

  /** @param name a switch of the test server: `node dist/reference/testing/test-server.js --help` lists them */
  server: (name: string, argument?: string | number, breaks = `The server's switch ${name} is on.`): Fault => ({
    id: `server/${name}${argument === undefined ? "" : `/${argument}`}`,
    breaks,
    how: { by: "server", switch: name, ...(argument === undefined ? {} : { argument }) },
  }),

  /** @param name a switch of the servers of other shapes, for what the document of the reference does not promise */
  shapes: (name: string, breaks: string): Fault => ({ id: `shapes/${name}`, breaks, how: { by: "shapes", switch: name } }),

  /** @param name a switch of the test server, for two nodes of it behind one Redis @param harm what brings it out */
  nodes: (
    name: string,
    { only, harm = [] }: Partial<Pick<NodesPlan, "only" | "harm">> = {},
    breaks = `Two nodes on one Redis: the switch ${name} is on${only === undefined ? "" : " at one of them"}.`,
  ): Fault => ({
    id: ["nodes", name, ...new Set(harm)].join("/"),
    breaks,
    how: { by: "nodes", switch: name, harm, ...(only === undefined ? {} : { only }) },
  }),
};
