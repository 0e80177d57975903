// The trial of a Redis Cluster under faults, as short as it goes: one master killed and replaced while all rooms are spoken in.
import { expect, it } from "vitest";
import { runClusterTrial } from "./cluster-trial.ts";

it("loses nothing without a word", async () => {
  const said: string[] = [];
  const trial = await runClusterTrial({ messages: 100, faultCount: 1 }, (text) => said.push(text));
  expect(trial.anomalies).toEqual([]);
  expect(said).toHaveLength(1);
  expect(trial.faults).toEqual({ "master killed, replaced by its replica": 1 });
  // Members of the rooms of that master, on both nodes.
  expect(trial.told).toBeGreaterThan(0);
  expect(trial.acknowledged).toBeGreaterThanOrEqual(100);
}, 400_000);
