// Starts the server: PORT (default 8080).
import { startServer } from "./server.ts";

const { url } = await startServer(Number(process.env.PORT ?? 8080));
console.log(`Listening on ${url}`);
