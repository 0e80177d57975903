// node try-hostile-servers.js RUNTIME [FLAG..]: runs the client on a runtime, such as another version of Node, against all hostile servers at once, and compares with their bounds.
import { tryHostileServers } from "./hostile/client-trials.ts";

const [runtime, ...flags] = process.argv.slice(2);
if (runtime === undefined) throw new Error("expected the path of a runtime");
const { rows, escaped } = await tryHostileServers(runtime, flags);
const problems = [...escaped, ...rows.flatMap((row) => row.problems)];
process.stdout.write(problems.length === 0 ? `${rows.length} hostile servers, within all bounds\n` : `${problems.join("\n")}\n`);
if (problems.length > 0) process.exitCode = 1;
