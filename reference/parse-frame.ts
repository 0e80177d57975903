// Parses the text of a frame into a valid message, or into the error to report.
import type { ClientMessage, ErrorCode } from "../generated/types.gen.ts";
import authenticate from "../generated/validators/authenticate.gen.js";
import broadcast from "../generated/validators/broadcast.gen.js";
import chat from "../generated/validators/chat.gen.js";
import direct from "../generated/validators/direct.gen.js";
import joinRoom from "../generated/validators/join_room.gen.js";
import leaveRoom from "../generated/validators/leave_room.gen.js";
import ping from "../generated/validators/ping.gen.js";
import type { Problem } from "../generated/validators/problem.gen.ts";
import typing from "../generated/validators/typing.gen.js";

export interface Malformed {
  readonly malformed: Extract<ErrorCode, "INVALID_JSON" | "INVALID_MESSAGE" | "UNKNOWN_TYPE">;
  /** Human-readable. */
  readonly why: string;
  readonly pointer: string | undefined;
  /** The id for `replyTo`, where the frame has a valid one. */
  readonly id: string | undefined;
}

interface Validator {
  (value: unknown): value is ClientMessage;
  errors?: readonly Problem[] | null;
}

/** Validator of each client message. tsc fails here when the document gains a message. */
const byType: Readonly<Record<ClientMessage["type"], Validator>> = {
  authenticate,
  broadcast,
  chat,
  direct,
  join_room: joinRoom,
  leave_room: leaveRoom,
  ping,
  typing,
};
/** A Map, because `type` comes from the client. */
const validators = new Map<string, Validator>(Object.entries(byType));

export function parseFrame(text: string): ClientMessage | Malformed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { malformed: "INVALID_JSON", why: "The frame is not JSON.", pointer: undefined, id: undefined };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { malformed: "INVALID_MESSAGE", why: "The frame must be an object.", pointer: "", id: undefined };
  }
  const { type, id } = value as { readonly type?: unknown; readonly id?: unknown };
  if (typeof type !== "string") {
    return { malformed: "INVALID_MESSAGE", why: "`type` must be a string.", pointer: "/type", id: usableId(id) };
  }
  const validate = validators.get(type);
  if (!validate) {
    return { malformed: "UNKNOWN_TYPE", why: "This protocol has no such type.", pointer: "/type", id: usableId(id) };
  }
  if (validate(value)) return value;
  const [problem] = validate.errors ?? [];
  return {
    malformed: "INVALID_MESSAGE",
    why: problem?.message ?? "The message breaks its schema.",
    pointer: problem && pointerOf(problem),
    id: usableId(id),
  };
}

/** Pointer to the error: for a missing or an additional property to the property, not to its object. */
export function pointerOf({ instancePath, params }: Problem): string {
  const property = params.missingProperty ?? params.additionalProperty;
  const pointer =
    typeof property === "string" ? `${instancePath}/${property.replaceAll("~", "~0").replaceAll("/", "~1")}` : instancePath;
  return pointer.slice(0, maxPointerLength);
}
const maxPointerLength = 1000;

/** The id, where it is valid. The validator of ping knows the schema of an id. */
function usableId(id: unknown): string | undefined {
  const probe = { type: "ping", id, payload: null };
  return ping(probe) ? probe.id : undefined;
}
