// npm run fuzz [-- FRAMES [SEED]]: 1 000 000 frames around the contract and RFC 6455 against the server. Exits with 1 at a finding.
import { runFuzz } from "./fuzz.ts";

const [frames = 1_000_000, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);
const result = await runFuzz({ frames, seed });
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
if (result.findings.length > 0 || result.leakedDescriptors > 0) process.exitCode = 1;
