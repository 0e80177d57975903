// The script of the try-it consoles. What comes from the wire is inserted as text, never as markup.

export const consoleScript = `
const served = /^https?:$/.test(location.protocol) ? location.protocol.replace("http", "ws") + "//" + location.host : undefined;
for (const form of document.querySelectorAll("form.console")) {
  const { url, token, subprotocols, connect, template, frame, send, clear } = form.elements;
  const log = form.querySelector(".log");
  const status = form.querySelector(".status");
  form.hidden = false;
  if (served !== undefined) url.value = form.dataset.url.replace(/^wss?:\\/\\/[^/?#]*/, served);
  let socket;
  const shown = (text) => {
    const secret = token?.value ?? "";
    const safe = secret === "" ? text : text.replaceAll(secret, "…");
    try { text = JSON.stringify(JSON.parse(safe), undefined, 2); } catch { text = safe; }
    return text.length > 20000 ? text.slice(0, 20000) + "… (" + text.length + " characters)" : text;
  };
  const add = (kind, label, text) => {
    const item = document.createElement("div");
    item.className = kind;
    const head = document.createElement("b");
    head.textContent = new Date().toISOString().slice(11, 23) + " " + label;
    const body = document.createElement("pre");
    body.textContent = shown(text);
    item.append(head, body);
    log.append(item);
    while (log.children.length > 200) log.firstElementChild.remove();
    log.scrollTop = log.scrollHeight;
  };
  const show = (text, isOpen, isBusy) => {
    status.textContent = text;
    send.disabled = !isOpen;
    connect.textContent = isBusy ? "Disconnect" : "Connect";
  };
  const address = () => {
    const base = url.value.trim();
    if (/[{}]/.test(base)) throw new Error("Replace " + /\\{[^}]*\\}?/.exec(base)[0] + " in the URL by a value.");
    const { query } = form.dataset;
    if (query === undefined || token.value === "") return base;
    return base + (base.includes("?") ? "&" : "?") + encodeURIComponent(query) + "=" + encodeURIComponent(token.value.trim());
  };
  const offered = () => {
    const list = subprotocols.value.split(/[\\s,]+/).filter(Boolean);
    const { prefix, encoding } = form.dataset;
    if (prefix === undefined || token.value === "") return list;
    const value = token.value.trim();
    const coded = encoding === "base64url" ? btoa(value).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") : value;
    return [...list, prefix + coded];
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (socket !== undefined) return socket.close();
    let mine;
    try { mine = new WebSocket(address(), offered()); } catch (error) { return show(error.message, false, false); }
    socket = mine;
    mine.binaryType = "arraybuffer";
    show("Connecting…", false, true);
    mine.addEventListener("open", () => show("Connected" + (mine.protocol === "" ? "." : ", subprotocol " + mine.protocol + "."), true, true));
    mine.addEventListener("message", ({ data }) => add("in", "←", typeof data === "string" ? data : data.byteLength + " bytes"));
    mine.addEventListener("close", ({ code, reason }) => {
      add("note", "×", "closed with " + code + (reason === "" ? "" : ": " + reason));
      socket = undefined;
      show("Closed with " + code + ".", false, false);
    });
  });
  template?.addEventListener("change", () => { if (template.value !== "") frame.value = template.value; });
  send.addEventListener("click", () => {
    let text = frame.value;
    // Formatted for reading; sent without spaces, as a program would.
    try { text = JSON.stringify(JSON.parse(text)); } catch {}
    socket.send(text);
    add("out", "→", text);
  });
  clear.addEventListener("click", () => log.replaceChildren());
}
`;
