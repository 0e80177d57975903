// The server's rates and roles are the document's: nothing of them is written down a second time.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { handshakeBarred, httpPublish, requirementsFor } from "./requirements.ts";
import type { Identity } from "./tokens.ts";

const withRoles = (...roles: string[]): Identity => ({
  userId: "u",
  username: "u",
  roles,
  expiresAtMs: 0,
  tokenId: undefined,
  issuedAtSeconds: 0,
});

describe("requirements", () => {
  test.each([
    ["chat", ["publish"], true],
    ["typing", ["control"], false],
    ["ping", ["ping"], false],
  ] as const)("%s counts for %j", (type, rates, isUserRated) => {
    expect(requirementsFor(type)).toMatchObject({ connectionRates: rates, isUserRated });
  });

  test("an operation with a claim is refused without it", () => {
    expect(requirementsFor("broadcast").missingClaim(withRoles())).toBe("FORBIDDEN");
    expect(requirementsFor("broadcast").missingClaim(withRoles("broadcaster"))).toBeUndefined();
    expect(httpPublish.missingClaim(withRoles("broadcaster"))).toBe("FORBIDDEN");
    expect(requirementsFor("chat").missingClaim(withRoles())).toBeUndefined();
  });

  test("a barred user is refused at the handshake and with a fresh token", () => {
    expect(handshakeBarred(withRoles("suspended"))).toBe("FORBIDDEN");
    expect(handshakeBarred(withRoles())).toBeUndefined();
    expect(requirementsFor("authenticate").freshTokenBarred(withRoles("suspended"))).toBe("FORBIDDEN");
  });

  test("the server's sources name no role", () => {
    for (const file of ["session.ts", "http-routes.ts", "requirements.ts", "hub/memory-hub.ts"]) {
      expect(readFileSync(new URL(file, import.meta.url), "utf8")).not.toMatch(/"(broadcaster|publisher|suspended)"/);
    }
  });
});
