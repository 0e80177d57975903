// Begins a run on a target: puts its shared parts together and makes the first contact.

import type { Channel, Contract } from "../../spec/contract.ts";
import { createValidators } from "../../spec/schemas.ts";
import { Audiences } from "../client/audience.ts";
import { createClock } from "../client/clock.ts";
import { type Auth, createTokenIssuer } from "../client/credentials.ts";
import { createFence } from "../client/fence.ts";
import { createMessageHeartbeat } from "../client/heartbeat.ts";
import { createMask, credentialsOfUrls } from "../client/mask.ts";
import { createMessages, type Validate } from "../client/messages.ts";
import { createPace } from "../client/pace.ts";
import { createRecorder } from "../client/recorder.ts";
import { TrafficBounds } from "../client/traffic-bounds.ts";
import type { Target } from "./context.ts";
import { type LivenessProbe, openLivenessProbe } from "./liveness-probe.ts";
import type { Run } from "./run-state.ts";

export interface RunOptions {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly target: Target;
  readonly auth: Auth;
  /** Default 1. */
  readonly seed?: number;
  /** Random cases of a phase, default 100. */
  readonly runs?: number;
  /** Default deadline of everything that waits, in ms, default 5000. */
  readonly timeoutMs?: number;
  /** The least silence that stands in for a fence, in ms, default 500. */
  readonly quietMs?: number;
  readonly insecure?: boolean;
  readonly ca?: string | undefined;
  /** Stands in every name of the run; letters and digits. Default from the wall clock. */
  readonly label?: string;
}

/** Deadline for a target that left even the fence unanswered: much else will not come either. */
const muteTimeoutMs = 1_000;

export interface OpenedRun {
  readonly run: Run;
  readonly probe: LivenessProbe;
  end(): Promise<void>;
}

/**
 * @throws UsageError where the settings do not fit the document
 * @throws TargetLost, with cause and next step, where the target is none that can be judged
 */
export async function openRun(options: RunOptions): Promise<OpenedRun> {
  const { contract, channel, target, auth, timeoutMs = 5_000 } = options;
  const clock = createClock();
  const validators = createValidators(contract);
  const validate: Validate = (name, value) =>
    validators
      .of(name)(value)
      .map(({ pointer, text }) => `${pointer || "(the whole)"} ${text}`);
  const messages = createMessages(contract, channel, validate);
  const { credentials } = channel.handshake ?? {};
  const issueToken = createTokenIssuer(credentials, contract.state, auth);
  const prefixes = credentials?.carriers.flatMap((one) => (one.in === "subprotocol" ? one.prefix : [])) ?? [];
  const given = [...(auth.secret === undefined ? [] : [auth.secret]), ...(auth.tokens ?? []), ...credentialsOfUrls(target.urls)];
  const mask = createMask(given, prefixes);
  const pace = createPace(options.quietMs ?? 500, timeoutMs);
  const recorder = createRecorder(clock);
  let probe: LivenessProbe | undefined;
  let counter = 0;
  let requests = 0;
  const run: Run = {
    contract,
    channel,
    target,
    messages,
    validate,
    async issueToken(name, how) {
      const issued = await issueToken(name, how);
      if (issued.credential !== undefined) mask.add(issued.credential);
      return issued;
    },
    mask,
    fence: createFence({ contract, channel, messages, clock, pace }),
    heartbeat: createMessageHeartbeat(contract, channel, messages),
    pace,
    recorder,
    audiences: new Audiences(contract, channel),
    bounds: new TrafficBounds(() => recorder.counts.sent),
    clock,
    seed: options.seed ?? 1,
    runs: options.runs ?? 100,
    get timeoutMs() {
      return pace.deadlineMs(probe?.fenceWorks === false ? Math.min(timeoutMs, muteTimeoutMs) : timeoutMs);
    },
    insecure: options.insecure ?? false,
    ca: options.ca,
    label: options.label ?? Math.floor(Date.now() / 1000).toString(36),
    count: () => ++counter,
    countRequest: () => ++requests,
    advertised: () => probe?.first,
    firstWorks: () => probe?.firstWorks ?? true,
    fenceWorks: () => probe?.fenceWorks ?? true,
    assertTargetAlive: async () => probe?.assertTargetAlive(),
  };
  probe = await openLivenessProbe(run);
  const end = async () => {
    await probe?.end();
    run.bounds.end();
  };
  return { run, probe, end };
}
