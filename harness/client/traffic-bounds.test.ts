import { expect, it } from "vitest";
import { NotTestable } from "../schema/errors.ts";
import { TrafficBounds } from "./traffic-bounds.ts";

it("ends the run after more frames than its requests explain", () => {
  let sent = 0;
  const bounds = new TrafficBounds(() => sent, { frames: 10 });
  for (let at = 0; at < 10; at++) bounds.came(1);
  expect(bounds.exceeded.aborted).toBe(false);
  sent = 1;
  bounds.came(1);
  expect(bounds.exceeded.aborted).toBe(false); // a request may be told to many
  sent = 0;
  bounds.came(1);
  expect(bounds.exceeded.reason).toContain("12 frames that nothing waited for");
});

it("what was waited for does not count", () => {
  const bounds = new TrafficBounds(() => 0, { frames: 2 });
  for (let at = 0; at < 100; at++) {
    bounds.came(5);
    bounds.read(1, 5);
  }
  expect(bounds.exceeded.aborted).toBe(false);
});

it("ends the run after more bytes than it holds", () => {
  const bounds = new TrafficBounds(() => 0, { bytes: 100 });
  bounds.came(101);
  expect(bounds.exceeded.reason).toContain("101 bytes that nothing waited for");
});

it("ends the run after more texts than it bears that are no message, waited for or not", () => {
  const bounds = new TrafficBounds(() => 0, { unknown: 2 });
  for (let at = 0; at < 2; at++) bounds.cameUnknown();
  expect(bounds.exceeded.aborted).toBe(false);
  bounds.cameUnknown();
  expect(bounds.exceeded.reason).toContain("3 texts that are no message of the document");
});

it("opens no more connections than it may, until others are closed", () => {
  const bounds = new TrafficBounds(() => 0, { connections: 1 });
  bounds.opens();
  expect(() => bounds.opens()).toThrow(NotTestable);
  bounds.closed();
  expect(() => bounds.opens()).not.toThrow();
});
