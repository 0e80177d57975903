// A central system of OCPP 1.6-J on ocpp-rpc. Its port is the first argument.
import { createRPCError, RPCServer } from "ocpp-rpc";

const server = new RPCServer({ protocols: ["ocpp1.6"], strictMode: true });
server.on("client", (client) => {
  client.handle("BootNotification", () => ({ status: "Accepted", interval: 300, currentTime: new Date().toISOString() }));
  client.handle("Heartbeat", () => ({ currentTime: new Date().toISOString() }));
  client.handle("Authorize", ({ params }) => ({ idTagInfo: { status: params.idTag === "good" ? "Accepted" : "Invalid" } }));
  client.handle(({ method }) => {
    throw createRPCError("NotImplemented", `${method} is not implemented`);
  });
});
await server.listen(Number(process.argv[2]), "127.0.0.1");
