// Requests over HTTP within a case: what one holds, and what of it stands in the history.
import type { HistoryEvent } from "../../model/history.ts";
import { callsOf } from "../../model/protocol.ts";
import { exchange, freshHeader, type HttpRequest, httpOperations, parametersFor } from "../rules/http/exchange.ts";
import type { CallStep } from "./case.ts";
import type { CaseState, Participant } from "./case-state.ts";

/** Above the numbers of connections, so that none is taken for one. */
const firstNumber = 1_000_000_000;

export interface Call {
  /** What it adds to the history so far, in order. */
  readonly events: readonly HistoryEvent[];
  readonly done: Promise<void>;
}

/** What a repetition sends again, by user and operation. */
type Kept = Map<string, Pick<HttpRequest, "parameters" | "headers" | "body">>;

/** Begins the request. @returns undefined where the step makes none */
export function beginCall(state: CaseState, step: CallStep, { user }: Participant, number: number, kept: Kept): Call | undefined {
  const { context, protocol, keys } = state;
  const operation = callsOf(protocol.contract).find(({ id }) => id === step.operation);
  const http = httpOperations(context).find((one) => one.operation === operation);
  if (operation === undefined || http === undefined || context.wrongWith(http.message.name, step.frame).length > 0)
    return undefined;
  const name = `${user.name} ${operation.id}`;
  const again = step.once === "again" ? kept.get(name) : undefined;
  const columns = operation.effects.flatMap((effect) =>
    effect.kind === "deliver" && effect.to.kind === "relation" ? [...effect.to.where] : [],
  );
  const columnOf = (parameter: string) =>
    columns.find(([, value]) => value.kind === "parameter" && value.name === parameter)?.[0];
  const once = operation.effects.find((effect) => effect.kind === "once");
  const header = once?.kind === "once" && once.key.kind === "header" ? once.key.name : undefined;
  const request = again ?? {
    parameters: new Map(
      [...parametersFor(context, http)].map(([parameter, value]) => {
        const column = columnOf(parameter);
        return [parameter, column === undefined ? value : String(keys.of(column, step.key) ?? value)];
      }),
    ),
    headers: step.once === "no" || header === undefined ? {} : { [header]: freshHeader(context, http, header) },
    body: step.frame,
  };
  if (step.once !== "no") kept.set(name, request);
  const connection = firstNumber + number;
  const { headers = {}, parameters = new Map(), body } = request;
  const atMs = context.clock.nowMs();
  const call = { operation: operation.id, headers, parameters };
  const events: HistoryEvent[] = [
    { kind: "open", connection, node: "0", subprotocol: "", user: user.name, http: call, atMs },
    { kind: "send", connection, frame: body, json: true, bytes: 0, atMs },
  ];
  const done = exchange(context, http, { user, ...request }).then(({ status, value, text, atMs: cameMs }) => {
    const bytes = Buffer.byteLength(text);
    events.push({ kind: "receive", connection, frame: value ?? text, json: value !== undefined, bytes, status, atMs: cameMs });
  });
  done.catch(() => undefined); // whoever waits for it is told
  return { events, done };
}
