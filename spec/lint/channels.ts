// Channels and servers: address parameters, protocols, messages that nobody sends, and what is not checked.

import { repeatsPathname } from "../endpoints.ts";
import { avroPackage, isAvro } from "../foreign-payloads.ts";
import { directionsOf } from "../message-tags.ts";
import { foreignSchemaFormat, memberPointer } from "../normalise-messages.ts";
import { isWebSocket } from "../normalise-servers.ts";
import { join } from "../pointer.ts";
import { record, text } from "../raw.ts";
import { at, resolve } from "../source-tree.ts";
import { type Check, choices, correction } from "./check.ts";

export const checkAddresses: Check = ({ tree, contract }) =>
  contract.channels.flatMap((channel) => {
    const address = text(record(resolve(tree, channel.pointer)?.value).address) ?? "";
    const used = [...address.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1]!);
    const declared = channel.parameters.map(({ name }) => name);
    return [
      ...used
        .filter((name) => !declared.includes(name))
        .map((name) =>
          at(tree, join(channel.pointer, "address"), {
            severity: "error",
            id: "parameter-undeclared",
            expected: `parameters that are declared: ${choices(declared)}`,
            actual: `{${name}} in the address ${address}`,
            fix: correction(name, declared, `add ${name} under the channel's parameters`),
          }),
        ),
      ...declared
        .filter((name) => !used.includes(name))
        .map((name) =>
          at(tree, join(channel.pointer, "parameters", name), {
            severity: "error",
            id: "parameter-unused",
            expected: `{${name}} in the address`,
            actual: address === "" ? "no address" : address,
            fix: correction(name, used, `remove the parameter, or put {${name}} into the address`),
          }),
        ),
    ];
  });

export const checkRepeatedPaths: Check = ({ tree, contract }) =>
  contract.channels
    .filter(({ kind }) => kind === "websocket")
    .flatMap((channel) => {
      const server = contract.servers.find((one) => channel.servers.includes(one.name) && repeatsPathname(one, channel));
      if (server === undefined) return [];
      return [
        at(tree, join(channel.pointer, "address"), {
          severity: "info",
          id: "address-repeats-pathname",
          expected: `an address below the pathname ${server.pathname} of the server ${server.name}`,
          actual: `${channel.address}, which has the pathname in it again`,
          fix: "No action needed: the address is read as the whole path. Write it without the pathname for tools that join the two.",
        }),
      ];
    });

export const checkServers: Check = ({ tree, contract }) => {
  const sockets = contract.channels.filter(({ kind }) => kind === "websocket");
  if (contract.channels.length > 0 && sockets.length === 0) {
    const protocols = contract.servers.map(({ protocol }) => protocol);
    return [
      at(tree, contract.servers.length > 0 ? "#/servers" : "#/channels", {
        severity: "warning",
        id: "no-websocket-channel",
        expected: "a channel over WebSocket: a server with protocol ws or wss, or a ws binding",
        actual: `servers speak ${choices(protocols, "no named protocol")}`,
        fix: "add `bindings: { ws: {} }` to the channel if it is a WebSocket; otherwise there is nothing here to verify",
      }),
    ];
  }
  if (contract.servers.length === 0) {
    const finding = {
      severity: "info",
      id: "servers-missing",
      expected: "servers with protocol ws or wss",
      actual: "no servers",
      fix: "No action needed: channels are read as WebSocket channels. Servers give the docs a URL.",
    } as const;
    return [at(tree, "#/servers", finding)];
  }
  if (contract.servers.some(({ protocol }) => isWebSocket(protocol))) return [];
  return contract.servers.map(({ name, protocol }) =>
    at(tree, join("#/servers", name, "protocol"), {
      severity: "info",
      id: "protocol-not-websocket",
      expected: "ws or wss",
      actual: protocol,
      fix: "write ws or wss; a binding or x- key says that the channel is a WebSocket",
    }),
  );
};

export const checkUnusedMessages: Check = ({ tree, contract }) =>
  contract.channels.flatMap((channel) => {
    const [received, sent] = directionsOf(channel, contract.operations);
    return channel.messages
      .filter((name) => !received.has(name) && !sent.has(name))
      .map((name) =>
        at(tree, join(channel.pointer, "messages", name), {
          severity: "info",
          id: "message-unused",
          expected: "each message of a channel in one of its operations",
          actual: `${name} is in none`,
          fix: "add it to an operation's messages or reply, or remove it",
        }),
      );
  });

export const checkUnchecked: Check = ({ tree, contract }) =>
  contract.messages.flatMap((message) => {
    const payload = memberPointer(tree, message.pointer, "payload");
    const foreign = payload === undefined ? undefined : foreignSchemaFormat(tree, payload);
    if (message.format === "json" && foreign === undefined) return [];
    return [
      at(tree, message.pointer, {
        // What is not JSON is meant so; a schema that cannot be read is a loss.
        severity: foreign === undefined ? "info" : "warning",
        id: "message-not-judged",
        expected: "JSON, described by JSON Schema",
        actual: `${message.name} is ${foreign === undefined ? `${message.format} (${message.contentType})` : `described by ${foreign}`}`,
        fix: isAvro(foreign ?? "")
          ? `run npm install ${avroPackage}, which reads it; without it, delivery and order are checked, the content is not`
          : "No action needed: delivery and order are checked, the content is not.",
      }),
    ];
  });
