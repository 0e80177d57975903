// The phase frames: does the server speak RFC 6455, whatever the document says? Filed by section.
import type { Phase } from "../phase.ts";
import { closingRules } from "./frames/closing.ts";
import { compressionRules } from "./frames/compression.ts";
import { controlRules } from "./frames/control.ts";
import { fragmentationRules } from "./frames/fragmentation.ts";
import { framingRules } from "./frames/framing.ts";
import { openingRules } from "./frames/opening.ts";
import { survivalRules } from "./frames/survival.ts";
import { utf8Rules } from "./frames/utf8.ts";

export const framesPhase: Phase = {
  name: "frames",
  rules: [
    ...openingRules,
    ...framingRules,
    ...fragmentationRules,
    ...controlRules,
    ...closingRules,
    ...utf8Rules,
    ...compressionRules,
    ...survivalRules,
  ],
};
