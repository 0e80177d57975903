// Every rule, phase by phase. To add a rule, write its literal into a list under rules/.
import type { Phase } from "./phase.ts";

export const phases: readonly Phase[] = [];
