// Floods a server with one kind of traffic until its parent says stop and the last connections have ended, then reports how its connections ended. Arguments: kind, port, tokens as JSON.
import { setPriority } from "node:os";
import { floodKinds } from "./flood-kinds.ts";

/** How connections ended -> how many. */
export type FloodReport = Readonly<Record<string, number>>;

const [name, port, tokens] = process.argv.slice(2) as [string, string, string];
const kind = floodKinds.find((one) => one.name === name);
if (kind === undefined) throw new Error(`expected a kind of flood, got "${name}"`);
// Whoever shares a core with the flooders comes first.
setPriority(10);

const ends = new Map<string, number>();
let isOver = false;
process.on("message", () => {
  isOver = true;
});

await Promise.all(
  (JSON.parse(tokens) as string[]).map(async (token) => {
    while (!isOver) {
      const end = await kind.attack(Number(port), token).catch((error: Error) => error.message);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
  }),
);
process.send?.({ report: Object.fromEntries(ends) satisfies FloodReport }, () => process.exit(0));
