// How the catalogue makes its faults: the id from the arguments, the plan for the proxy.

import type { Fault, Match, MessageAct, OnClose, OnControl, OnFrame, OnRequest, OnResponse, Transformation } from "./plan.ts";

export function fault(id: string, breaks: string, ...transformations: readonly Transformation[]): Fault {
  return { id, breaks, how: { by: "proxy", transformations } };
}

export function onMessage(id: string, breaks: string, match: Match, act: MessageAct): Fault {
  const which = [
    whereText(match.where),
    match.everyNth === undefined ? "" : `/every-${match.everyNth}`,
    match.fromNth === undefined ? "" : `/from-${match.fromNth}`,
  ].join("");
  return fault(id + which, breaks, { on: "message", match, act });
}

function whereText(where: Match["where"]): string {
  if (where === undefined) return "";
  return `/${where.pointer}${"length" in where ? `-of-length-${where.length}` : `=${JSON.stringify(where.equals)}`}`;
}

export const onClose = (id: string, breaks: string, code: number | undefined, act: OnClose["act"]) =>
  fault(id, breaks, { on: "close", code, act });
export const onControl = (id: string, breaks: string, frame: OnControl["frame"], act: OnControl["act"]) =>
  fault(id, breaks, { on: "control", frame, act });
export const onRequest = (id: string, breaks: string, act: OnRequest["act"]) => fault(id, breaks, { on: "request", act });
export const onResponse = (id: string, breaks: string, status: number | undefined, act: OnResponse["act"]) =>
  fault(id, breaks, { on: "response", status, act });
export const json = (value: unknown) => JSON.stringify(value) ?? "undefined";
export const codeText = (code: number | undefined) => (code === undefined ? "none" : String(code));

export function onFrame(id: string, breaks: string, act: OnFrame["act"]): Fault {
  return fault(id, breaks, { on: "frame", act });
}
