// npm run bench:neighbours: what flooders cost their neighbours. With --quick short windows, once each. Prints a table.
import { formatNeighbours } from "./format-neighbours.ts";
import { runNeighbours } from "./neighbours.ts";

const isQuick = process.argv.includes("--quick");
const plan = isQuick ? { windowMs: 1_000, rounds: 1 } : { windowMs: 4_000, rounds: 3 };
process.stdout.write(`${formatNeighbours(await runNeighbours(plan))}\n`);
