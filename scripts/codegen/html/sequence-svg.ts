// What an operation causes, drawn as SVG. Colours come from the page's CSS; message names are links.

import { client, type Flow, type Party, server } from "../docs/operation-flow.ts";
import { escapeHtml } from "./markup.ts";
import { anchor } from "./part.ts";

const gap = 190;
const edge = 70;
const row = 42;
const maxLabel = 23;

export function sequenceSvg({ parties, request, refusal, steps }: Flow, title: string): string {
  const x = (party: Party) => edge + party * gap;
  const width = x(parties.length - 1) + edge;
  const shapes: string[] = [];
  let y = 74;
  const arrow = (from: Party, to: Party, label: string, kind: string, link?: string) => {
    const short = label.length > maxLabel ? `${label.slice(0, maxLabel - 1)}…` : label;
    const text = `<text x="${(x(from) + x(to)) / 2}" y="${y - 8}" text-anchor="middle">${escapeHtml(short)}<title>${escapeHtml(label)}</title></text>`;
    const tip = x(to) > x(from) ? -1 : 1;
    const end = x(to) + tip * 2;
    shapes.push(
      `<g class="${kind}">${link === undefined ? text : `<a href="#${link}">${text}</a>`}<line x1="${x(from)}" y1="${y}" x2="${end + tip * 8}" y2="${y}"/><path d="M${end} ${y}l${tip * 10} -5v10z"/></g>`,
    );
    y += row;
  };
  const send = (from: Party, to: Party, messages: readonly string[], kind: string) =>
    arrow(
      from,
      to,
      messages.join(" or ") || "a message",
      kind,
      messages[0] === undefined ? undefined : anchor("message", messages[0]),
    );
  const box = (name: string, top: number, kind: string) =>
    shapes.unshift(
      `<g class="box ${kind}"><rect x="12" y="${top}" width="${width - 24}" height="${y - top - 10}" rx="8"/><text x="24" y="${top + 17}">${name}</text></g>`,
    );

  send(request.from, request.to, request.messages, request.from === client ? "sent" : "received");
  if (refusal !== undefined) {
    const top = y - 26;
    y += 22;
    if (refusal.messages.length > 0) send(request.to, request.from, refusal.messages, "refused");
    for (const code of refusal.codes) {
      shapes.push(
        `<text class="code" x="${(x(client) + x(server)) / 2}" y="${y - 22}" text-anchor="middle">${escapeHtml(String(code))}</text>`,
      );
      y += 17;
    }
    y -= 14;
    box("rejected", top, "no");
    y += 22;
  }
  const top = y - 26;
  if (refusal !== undefined) y += 22;
  for (const step of steps) {
    if (step.kind === "send") send(step.from, step.to, step.messages, step.from === client ? "sent" : "received");
    else if (step.kind === "close") arrow(server, client, `close ${step.code}`, "refused", anchor("close", String(step.code)));
    else {
      const half = step.short.length * 3.7 + 14;
      shapes.push(
        `<g class="change"><rect x="${x(server) - half}" y="${y - 24}" width="${half * 2}" height="24" rx="12"/><text x="${x(server)}" y="${y - 8}" text-anchor="middle">${escapeHtml(step.short)}</text></g>`,
      );
      y += row - 6;
    }
  }
  if (refusal !== undefined && steps.length > 0) box("accepted", top, "yes");
  const height = y + 2;
  const lifelines = parties.map(
    (name, party) =>
      `<line class="life" x1="${x(party)}" y1="34" x2="${x(party)}" y2="${height}"/><g class="party"><rect x="${x(party) - 62}" y="6" width="124" height="28" rx="8"/><text x="${x(party)}" y="25" text-anchor="middle">${escapeHtml(name)}</text></g>`,
  );
  return `<div class="scroll drawing" tabindex="0" role="group" aria-label="${escapeHtml(title)}"><svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="group" aria-label="${escapeHtml(title)}">${lifelines.join("")}${shapes.join("")}</svg></div>`;
}
