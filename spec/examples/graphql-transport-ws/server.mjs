// graphql-ws with a schema of one query, a subscription that ends and one that stays. Its port is the first argument.
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";

async function* ends() {
  yield { ends: "one" };
  yield { ends: "two" };
}

async function* stays() {
  yield { stays: "one" };
  await new Promise(() => undefined);
}

// The package logs each mistake of a client; those are what a test is about.
console.error = () => undefined;
const schema = buildSchema("type Query { hello: String } type Subscription { ends: String stays: String }");
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), path: "/graphql" });
useServer({ schema, roots: { query: { hello: () => "world" }, subscription: { ends, stays } } }, server);
