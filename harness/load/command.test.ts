import { describe, expect, it } from "vitest";
import { emitCommand, withoutSecrets } from "./command.ts";

describe("emitCommand", () => {
  it("gives back what was given, quoted for a shell", () => {
    const flags = {
      scenario: "mixed",
      failOn: "p99>50ms",
      warmUp: "1s",
      percentiles: true,
      insecure: false,
      weight: ["a=1", "b=2"],
    };
    expect(emitCommand(["ws://127.0.0.1:8080/ws"], flags)).toBe(
      "wsproof bench ws://127.0.0.1:8080/ws --scenario mixed --fail-on 'p99>50ms' --warm-up 1s --percentiles --weight a=1 --weight b=2",
    );
    expect(emitCommand([], { json: "it's.json" })).toBe("wsproof bench --json 'it'\\''s.json'");
  });

  it("tells no secret", () => {
    const flags = { authSecret: "hush-1", authToken: ["hush-2", "hush-3"], authCommand: "print hush-4" };
    const text = emitCommand(["wss://me:hush-5@host/ws?token=hush-6&room=hush-7#hush=hush-8"], flags);
    expect(text).not.toContain("hush-");
    expect(text).toContain('--auth-secret "$AUTH_SECRET" --auth-token "$AUTH_TOKEN" --auth-token "$AUTH_TOKEN"');
    expect(text).toContain("'wss://...@host/ws?token=...&room=...#hush=...'");
  });
});

describe("withoutSecrets", () => {
  it("leaves a URL without any as it is", () => {
    expect(withoutSecrets("ws://host:1/a@b?x")).toBe("ws://host:1/a@b?x");
  });
});
