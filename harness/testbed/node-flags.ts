// Flags of Node for a process of the reference server.

/** MiB of each half of V8's young generation. Node's default is 16: most of what an idle connection seems to cost. */
const semiSpaceMiB = 2;

/** @param env of the process: what its NODE_OPTIONS say of the young generation has precedence */
export function serverFlags(env: NodeJS.ProcessEnv): readonly string[] {
  return env.NODE_OPTIONS?.includes("semi-space") === true ? [] : [`--max-semi-space-size=${semiSpaceMiB}`];
}
