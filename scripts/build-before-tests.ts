// Builds dist/ once before the tests, because tests that start a process run what a user would run.
import { execFileSync } from "node:child_process";

export default function buildBeforeTests(): void {
  execFileSync("npm", ["run", "build", "--silent"], { stdio: "inherit" });
}
