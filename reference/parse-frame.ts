// From the text of a frame to a valid message, or to what is wrong with it.
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
  /** For a person. */
  readonly why: string;
  readonly pointer: string | undefined;
  /** The id to reply to, where the frame has a usable one. */
  readonly id: string | undefined;
}

interface Validator {
  (value: unknown): value is ClientMessage;
  errors?: readonly Problem[] | null;
}

/** Every message of the client, by its type: tsc fails here when the document gains one. */
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
/** A Map, because `type` comes from the wire. */
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

/** The place that is wrong: for a missing or a surplus property its own, not that of the object around it. */
export function pointerOf({ instancePath, params }: Problem): string {
  const property = params.missingProperty ?? params.additionalProperty;
  const pointer =
    typeof property === "string" ? `${instancePath}/${property.replaceAll("~", "~0").replaceAll("/", "~1")}` : instancePath;
  return pointer.slice(0, maxPointerLength);
}
const maxPointerLength = 1000;

/** What the document calls an id; the ping's validator knows. */
function usableId(id: unknown): string | undefined {
  const probe = { type: "ping", id, payload: null };
  return ping(probe) ? probe.id : undefined;
}
