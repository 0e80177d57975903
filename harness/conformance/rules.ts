// Every rule, phase by phase, in the order in which they run. To add a rule, write its literal into a list under rules/.
import type { Phase } from "./phase.ts";
import { boundariesPhase } from "./rules/boundaries.ts";
import { clusterPhase } from "./rules/cluster.ts";
import { examplesPhase } from "./rules/examples.ts";
import { framesPhase } from "./rules/frames.ts";
import { handshakePhase } from "./rules/handshake.ts";
import { invalidPhase } from "./rules/invalid.ts";
import { limitsPhase } from "./rules/limits.ts";
import { shutdownPhase } from "./rules/shutdown.ts";
import { statefulPhase } from "./stateful/phase.ts";

export const phases: readonly Phase[] = [
  handshakePhase,
  examplesPhase,
  boundariesPhase,
  invalidPhase,
  statefulPhase,
  limitsPhase,
  framesPhase,
  clusterPhase,
  shutdownPhase,
];
