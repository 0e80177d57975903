// The contract of a hub as tests: every implementation of hub.ts runs this suite, on one node and on several with one backend.
import { describe } from "vitest";
import { describeMembership } from "./hub-contract-membership.ts";
import { describePublishing } from "./hub-contract-publishing.ts";
import { type CreateCluster, createStarter } from "./hub-recorder.ts";

/** Defines the tests. @param name of the implementation, for the report */
export function describeHub(name: string, createCluster: CreateCluster): void {
  describe(name, () => {
    const start = createStarter(createCluster);
    describeMembership(start);
    describePublishing(start);
  });
}
