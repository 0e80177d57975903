// The demo page's entry point: connects the client to the page's elements.
import { createClient, type RoomsClient, type State } from "../client/client.ts";
import { createConversations } from "./conversations.ts";
import { find } from "./elements.ts";
import { createErrorTriggers } from "./error-triggers.ts";
import { createFrameForm, showFrame } from "./frames-panel.ts";
import { type Account, onSignIn } from "./sign-in.ts";
import { createTappedSocket } from "./tapped-socket.ts";

const stateTexts: Readonly<Record<State, string>> = {
  closed: "Not connected",
  connecting: "Connecting…",
  connected: "Connected",
  waiting: "Connection lost, reconnecting",
};
/** Without input for this long, the page tells the others that typing has stopped. */
const typingMs = 3_000;

let client: RoomsClient | undefined;
let drop: () => void = () => undefined;
const say = find<HTMLFormElement>("say");
const content = find<HTMLInputElement>("content");
const conversations = createConversations(() => {
  const { current } = conversations;
  for (const element of say.querySelectorAll<HTMLInputElement | HTMLButtonElement>("input, button")) {
    element.disabled = current === undefined;
  }
  content.placeholder = current === undefined ? "Join a room first" : `Message to ${current.title}`;
});

function enter(account: Account): void {
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
  const socket = createTappedSocket((code, reason) => {
    showFrame("×", "in", `${code} ${reason}`);
    triggers.closed(code, reason);
  });
  const mine = createClient({ url, token: account.token, openSocket: socket.open });
  const triggers = createErrorTriggers({
    url,
    account,
    limits: () => mine.identity?.limits,
    send(data) {
      showFrame("→", "out", typeof data === "string" ? data : `${data.length} bytes, binary`);
      socket.send(data);
    },
  });
  client = mine;
  drop = socket.drop;
  sendOwn = (text) => {
    if (mine.state !== "connected") throw new Error("Not connected.");
    showFrame("→", "out", text);
    socket.send(text);
  };
  mine.on("state", showState);
  mine.on("waiting", ({ delayMs, code }) => countDown(delayMs, code));
  mine.on("frame", ({ direction, text }) => {
    showFrame(direction === "in" ? "←" : "→", direction, text);
    if (direction === "in") triggers.received(text);
  });
  mine.on("message", conversations.received);
  mine.on("joined", conversations.joined);
  mine.on("gap", ({ room }) => conversations.note("Some messages may be missing here.", room));
  mine.on("lost", ({ room, code }) => {
    conversations.lost(room);
    find("join-error").textContent = `${room}: ${code}`;
  });
  mine.on("stopped", ({ code, reason }) => {
    find("state").textContent = code === undefined ? reason : `Closed with ${code}. The client does not reconnect.`;
    find("reconnect").hidden = false;
  });
  find("sign-in").hidden = true;
  find("app").hidden = false;
  find("sign-out").hidden = false;
  find("room").focus();
  mine.connect();
}

let sendOwn: (text: string) => void = () => undefined;
createFrameForm((text) => sendOwn(text));

let ticking: ReturnType<typeof setInterval> | undefined;
/** Shows the seconds until the next attempt. */
function countDown(delayMs: number, code: number): void {
  const dueMs = performance.now() + delayMs;
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((dueMs - performance.now()) / 1_000));
    find("countdown").textContent = `in ${seconds} s (closed with ${code})`;
  };
  clearInterval(ticking);
  ticking = setInterval(tick, 250);
  tick();
}

function showState(state: State): void {
  find("retry").hidden = state !== "waiting";
  if (state !== "waiting") {
    clearInterval(ticking);
    find("countdown").textContent = "";
  }
  document.documentElement.dataset.state = state;
  find("state").textContent = stateTexts[state];
  find("reconnect").hidden = true;
  if (state !== "connected") conversations.clearTyping();
  const identity = client?.identity;
  if (identity === undefined) return;
  conversations.ownClientId = identity.clientId;
  find("who").textContent = `${identity.username} · ${identity.clientId}`;
}

/** Runs the action of a form or button. Shows an error in the conversation. */
async function attempt(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    conversations.note((error as Error).message);
    return false;
  }
}

let stopTyping: (() => void) | undefined;
function typed(): void {
  const { current } = conversations;
  if (client === undefined || current?.kind !== "room") return;
  const { name } = current;
  const wasTyping = stopTyping !== undefined;
  if (!wasTyping) client.typing(name, true);
  stopTyping?.();
  const timer = setTimeout(() => endTyping(), typingMs);
  stopTyping = () => clearTimeout(timer);
  typingRoom = name;
}
let typingRoom = "";
function endTyping(): void {
  if (stopTyping === undefined) return;
  stopTyping();
  stopTyping = undefined;
  client?.typing(typingRoom, false);
}

content.addEventListener("input", typed);
say.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = content.value;
  const to = conversations.current;
  if (client === undefined || to === undefined || text === "") return;
  content.value = "";
  endTyping();
  const entry = conversations.sending(to, text);
  try {
    if (to.kind === "room") await client.chat(to.name, text);
    else await client.direct(to.name, text);
    // In a room the server sends the message back to its sender.
    entry.done(to.kind === "room");
  } catch (error) {
    entry.failed((error as Error).message);
  }
});
find("broadcast").addEventListener("click", async () => {
  const text = content.value;
  if (client === undefined || text === "") return;
  if (await attempt(() => client!.broadcast(text))) content.value = "";
});
find("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  const room = find<HTMLInputElement>("room");
  const name = room.value.trim();
  if (client === undefined || name === "") return;
  find("join-error").textContent = "";
  conversations.open("room", name);
  room.value = "";
  content.focus();
  try {
    await client.join(name);
  } catch (error) {
    conversations.lost(name);
    find("join-error").textContent = `${name}: ${(error as Error).message}`;
  }
});
find("leave").addEventListener("click", async () => {
  const { current } = conversations;
  if (client === undefined || current === undefined) return;
  endTyping();
  conversations.close(current);
  if (current.kind === "room") await attempt(() => client!.leave(current.name));
});
find("drop").addEventListener("click", () => drop());
find("retry").addEventListener("click", () => client?.retryNow());
find("reconnect").addEventListener("click", () => client?.connect());
find("sign-out").addEventListener("click", () => {
  client?.close();
  client = undefined;
  sendOwn = () => undefined;
  conversations.clear();
  find("who").textContent = "";
  find("sign-in").hidden = false;
  find("app").hidden = true;
  find("sign-out").hidden = true;
});
onSignIn(enter);
