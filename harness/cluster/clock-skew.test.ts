// Credentials of other clocks at a node that answers, and at one that does not: only the first says anything of credentials.
import { once } from "node:events";
import net from "node:net";
import { afterEach, expect, it } from "vitest";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { beginCheck } from "../conformance/check.ts";
import { type OpenedRun, openRun } from "../conformance/open-run.ts";
import { type ReferenceProcess, startReferenceProcess } from "../testbed/reference-process.ts";
import { handshakeWithSkewedClocks } from "./clock-skew.ts";
import type { SkewedHandshake } from "./log-history.ts";

const { contract } = await loadContract({ file: defaultSpecFile });
const channel = contract!.channels.find(({ kind }) => kind === "websocket")!;
const sockets: net.Socket[] = [];
const silent = net.createServer((socket) => sockets.push(socket));
let server: ReferenceProcess | undefined;
let opened: OpenedRun | undefined;

afterEach(async () => {
  await opened?.end();
  await server?.stop();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

it("checks the answers of a node, and nothing where none comes", async () => {
  server = await startReferenceProcess({ path: channel.address });
  await once(silent.listen(0, "127.0.0.1"), "listening");
  const { port } = silent.address() as net.AddressInfo;
  const target = {
    urls: [server.url, `ws://127.0.0.1:${port}${channel.address}`],
    origin: undefined,
    pid: undefined,
    askToStop: undefined,
    embedded: true,
  };
  opened = await openRun({ contract: contract!, channel, target, auth: { secret: server.secret } });
  const check = beginCheck({ ...opened.run, timeoutMs: 500 });
  const handshakes: SkewedHandshake[] = [];
  await handshakeWithSkewedClocks(check.context, handshakes);
  await check.end();
  const shown = handshakes.map(({ node, actual, asDeclared }) => `${node} ${actual} ${asDeclared}`);
  expect(shown.slice(0, 3)).toEqual(["0 close 4401 true", "0 accepted true", "0 close 4401 true"]);
  expect(shown.slice(3)).toEqual(Array(3).fill("1 no answer undefined"));
});
