// How much is measured: the whole, and the least that shows that everything works.

export interface Plan {
  /** Each server once per round, in turn, beginning with another one each time. */
  readonly rounds: number;
  /** Of one measurement. Before it, a third of it is spent unmeasured. */
  readonly measureMs: number;
  readonly fanout: { readonly members: readonly number[]; readonly inFlight: readonly number[] };
  readonly latency: { readonly members: number; readonly measureMs: number };
  readonly echo: { readonly connections: number; readonly inFlight: readonly number[] };
  readonly connections: number;
  readonly flat: { readonly connections: readonly number[]; readonly perRoom: number };
  /** Looked at after each of these numbers, the fewest first. */
  readonly memory: { readonly connections: readonly number[]; readonly settleMs: number };
}

export const wholePlan: Plan = {
  rounds: 5,
  measureMs: 500,
  fanout: { members: [10, 200, 2_000], inFlight: [1, 8, 64] },
  latency: { members: 200, measureMs: 2_000 },
  echo: { connections: 50, inFlight: [1, 16] },
  connections: 2_000,
  flat: { connections: [100, 1_000, 10_000], perRoom: 100 },
  memory: { connections: [2_000, 8_000], settleMs: 1_000 },
};

export const quickPlan: Plan = {
  rounds: 1,
  measureMs: 60,
  fanout: { members: [10], inFlight: [1, 8] },
  latency: { members: 10, measureMs: 100 },
  echo: { connections: 5, inFlight: [1, 4] },
  connections: 50,
  flat: { connections: [10, 20], perRoom: 10 },
  memory: { connections: [50, 100], settleMs: 50 },
};
