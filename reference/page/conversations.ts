// The conversations (rooms and direct messages): members, typing, messages, and their display.
import type { JoinedRoom, Member, ServerMessage } from "../../generated/types.gen.ts";
import { find, make, makeButton } from "./elements.ts";

type EntryKind = "said" | "mine" | "note" | "pending" | "failed";

export interface Conversation {
  readonly kind: "room" | "direct";
  /** A room's name or a clientId. */
  readonly name: string;
  title: string;
  readonly members: Map<string, Member>;
  memberCount: number;
  /** clientId -> username of those who are typing */
  readonly typing: Map<string, string>;
  readonly entries: HTMLDivElement[];
  unread: number;
}

export interface Conversations {
  readonly current: Conversation | undefined;
  ownClientId: string | undefined;
  open(kind: Conversation["kind"], name: string, title?: string): Conversation;
  close(conversation: Conversation): void;
  joined(payload: JoinedRoom["payload"]): void;
  received(message: ServerMessage): void;
  /** Removes a room that could not be joined, or that the server does not let the client rejoin. */
  lost(room: string): void;
  /** Shows a message as pending. Call `done` or `failed` once with the outcome. */
  sending(to: Conversation, content: string): { done(isShownElsewhere: boolean): void; failed(why: string): void };
  /** @param room default: the current conversation */
  note(text: string, room?: string): void;
  /** Call on disconnect: the events that end typing will not arrive. */
  clearTyping(): void;
  clear(): void;
}

const mostEntries = 500;

/** @param changed called when the current conversation changes */
export function createConversations(changed: () => void): Conversations {
  const all = new Map<string, Conversation>();
  let current: Conversation | undefined;
  let ownClientId: string | undefined;
  const messages = find("messages");

  const keyOf = (kind: Conversation["kind"], name: string) => `${kind} ${name}`;

  function select(at: Conversation | undefined): void {
    current = at;
    if (at !== undefined) at.unread = 0;
    messages.replaceChildren(...(at?.entries ?? []));
    messages.scrollTop = messages.scrollHeight;
    show();
    changed();
  }

  function open(kind: Conversation["kind"], name: string, title = name): Conversation {
    const known = all.get(keyOf(kind, name));
    if (known !== undefined) return known;
    const fresh: Conversation = {
      kind,
      name,
      title,
      members: new Map(),
      memberCount: 0,
      typing: new Map(),
      entries: [],
      unread: 0,
    };
    all.set(keyOf(kind, name), fresh);
    return fresh;
  }

  /** @param at RFC 3339, default now */
  function add(to: Conversation, kind: EntryKind, who: string | undefined, text: string, at?: string): HTMLDivElement {
    const entry = make("div", { className: kind });
    const time = make("time", { text: (at === undefined ? new Date() : new Date(at)).toLocaleTimeString() });
    if (at !== undefined) time.dateTime = at;
    entry.append(time);
    if (who !== undefined) entry.append(make("b", { text: who }));
    entry.append(make("span", { text }));
    to.entries.push(entry);
    if (to.entries.length > mostEntries) to.entries.shift()?.remove();
    if (to === current) {
      const isAtEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 60;
      messages.append(entry);
      if (isAtEnd) messages.scrollTop = messages.scrollHeight;
    } else if (kind === "said") to.unread++;
    return entry;
  }

  function show(): void {
    find("conversations").replaceChildren(
      ...[...all.values()].map((one) => {
        const button = makeButton("", "row", () => select(one));
        button.setAttribute("aria-current", `${one === current}`);
        const about = one.unread > 0 ? `${one.unread} new` : one.kind === "room" ? `${one.memberCount}` : "direct";
        button.append(make("span", { text: one.title }), make("span", { className: "count", text: about }));
        return make("li", {}, button);
      }),
    );
    const people = current?.kind === "room" ? [...current.members.values()] : [];
    find("people").replaceChildren(
      ...people.map(({ clientId, username }) => {
        const isMe = clientId === ownClientId;
        const button = makeButton(isMe ? `${username} (you)` : username, "row", () => select(open("direct", clientId, username)));
        button.disabled = isMe;
        if (!isMe) button.title = "Send a direct message";
        return make("li", {}, button);
      }),
    );
    find("talk-title").textContent =
      current === undefined ? "No room yet" : current.kind === "room" ? current.title : `Direct message to ${current.title}`;
    find("leave").hidden = current === undefined;
    find("leave").textContent = current?.kind === "direct" ? "Close" : "Leave";
    const typing = [...(current?.typing.values() ?? [])];
    find("typing").textContent =
      typing.length === 0 ? "" : typing.length === 1 ? `${typing[0]} is typing…` : `${typing.length} people are typing…`;
  }

  /** undefined for a room that was left: its last events may still arrive. */
  const roomOf = (name: string | null) => (name === null ? undefined : all.get(keyOf("room", name)));

  function received(message: ServerMessage): void {
    switch (message.type) {
      case "message": {
        const { room, from, content } = message.payload;
        const target = room === null ? current : roomOf(room);
        if (target === undefined) break;
        if (from.clientId !== null) target.typing.delete(from.clientId);
        const who = room === null ? `${from.username} (broadcast)` : from.username;
        add(target, from.clientId !== null && from.clientId === ownClientId ? "mine" : "said", who, content, message.timestamp);
        break;
      }
      case "direct_message": {
        const { from, content } = message.payload;
        const talk = open("direct", from.clientId, from.username);
        add(talk, "said", from.username, content, message.timestamp);
        break;
      }
      case "user_joined":
      case "user_left": {
        const { room, clientId, userId, username, memberCount } = message.payload;
        const target = roomOf(room);
        if (target === undefined) break;
        target.memberCount = memberCount;
        if (message.type === "user_joined") target.members.set(clientId, { clientId, userId, username });
        else target.members.delete(clientId);
        target.typing.delete(clientId);
        add(target, "note", undefined, `${username} ${message.type === "user_joined" ? "joined" : "left"}`, message.timestamp);
        break;
      }
      case "user_typing": {
        const { room, clientId, username, active } = message.payload;
        if (active) roomOf(room)?.typing.set(clientId, username);
        else roomOf(room)?.typing.delete(clientId);
        break;
      }
    }
    show();
  }

  function close(conversation: Conversation): void {
    all.delete(keyOf(conversation.kind, conversation.name));
    if (conversation === current) select([...all.values()].at(-1));
    else show();
  }

  return {
    get current() {
      return current;
    },
    get ownClientId() {
      return ownClientId;
    },
    set ownClientId(value) {
      ownClientId = value;
    },
    open(kind, name, title) {
      const conversation = open(kind, name, title);
      select(conversation);
      return conversation;
    },
    close,
    lost(room) {
      const target = roomOf(room);
      if (target !== undefined) close(target);
    },
    joined({ room, members, memberCount }) {
      const target = roomOf(room);
      // Left before the reply came.
      if (target === undefined) return;
      target.members.clear();
      target.typing.clear();
      for (const member of members) target.members.set(member.clientId, member);
      target.memberCount = memberCount;
      show();
    },
    received,
    sending(to, content) {
      const entry = add(to, "pending", "sending…", content);
      if (to === current) messages.scrollTop = messages.scrollHeight;
      const take = () => {
        const at = to.entries.indexOf(entry);
        if (at !== -1) to.entries.splice(at, 1);
        entry.remove();
      };
      return {
        done(isShownElsewhere) {
          take();
          if (!isShownElsewhere) add(to, "mine", "you", content);
        },
        failed(why) {
          take();
          add(to, "failed", `not sent: ${why}`, content);
        },
      };
    },
    note(text, room) {
      const conversation = room === undefined ? current : roomOf(room);
      if (conversation !== undefined) add(conversation, "note", undefined, text);
    },
    clearTyping() {
      for (const { typing } of all.values()) typing.clear();
      show();
    },
    clear() {
      all.clear();
      select(undefined);
    },
  };
}
