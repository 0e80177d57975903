// The page's script: search, copy, theme, menu. Without it the page still reads; its hash is in the page's own policy.
export const pageScript = `
const $ = (id) => document.getElementById(id);
for (const id of ["finder", "menu", "theme"]) $(id).hidden = false;
document.documentElement.classList.add("scripted");

const stored = (() => { try { return localStorage.getItem("wsproof-theme"); } catch { return null; } })();
if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
$("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem("wsproof-theme", next); } catch {}
});

const open = (yes) => {
  $("nav").classList.toggle("open", yes);
  $("menu").setAttribute("aria-expanded", String(yes));
};
$("menu").addEventListener("click", () => open(!$("nav").classList.contains("open")));
$("nav").addEventListener("click", (event) => { if (event.target.closest("a")) open(false); });

const items = [...document.querySelectorAll("nav li")];
const search = $("search");
/** Item -> its link, and the text of its place, without the places below it and the document's source. */
const places = new Map(items.map((item) => {
  const link = item.querySelector("a");
  const target = $(decodeURIComponent(link.hash.slice(1)));
  const own = target === null ? [] : [...target.children].filter((part) => !part.matches("section, .source, noscript, form"));
  const text = own.map((part) => part.textContent).join(" ").replaceAll(/\\s+/g, " ");
  const context = document.createElement("small");
  link.append(context);
  return [item, { title: link.firstChild.textContent.toLowerCase(), text, lower: text.toLowerCase(), context }];
}));
const filter = () => {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  for (const [item, { title, text, lower, context }] of places) {
    const hit = words.every((word) => title.includes(word) || lower.includes(word));
    item.hidden = words.length > 0 && !hit;
    if (hit) count++;
    const unseen = hit ? words.find((word) => !title.includes(word)) : undefined;
    const at = unseen === undefined ? 0 : lower.indexOf(unseen);
    context.textContent = unseen === undefined ? "" : (at > 25 ? "…" : "") + text.slice(Math.max(0, at - 25), at + 50) + "…";
  }
  $("nav").classList.toggle("searching", words.length > 0);
  $("found").textContent = words.length === 0 ? "" : count === 0 ? "Nothing found." : count === 1 ? "1 place" : count + " places";
};
search.addEventListener("input", filter);
const links = () => items.filter((item) => item.offsetParent !== null).map((item) => item.querySelector("a"));
$("nav").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target === search) { links()[0]?.click(); }
  if (event.key === "Escape") { search.value = ""; filter(); search.blur(); open(false); }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const all = [search, ...links()];
  const next = all[all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
  if (next) { event.preventDefault(); next.focus(); }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || document.activeElement === search) return;
  event.preventDefault();
  open(true);
  search.focus();
});

const copied = async (button, text, otherwise) => {
  const label = button.textContent;
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
  catch { otherwise(); }
  setTimeout(() => { button.textContent = label; }, 1500);
};
for (const title of document.querySelectorAll(".self")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.textContent = "Copy link";
  button.setAttribute("aria-label", "Copy link to " + title.textContent);
  // Where the clipboard is out of reach, the link is in the address bar.
  button.addEventListener("click", () => {
    history.replaceState(undefined, "", title.hash);
    copied(button, title.href, () => { button.textContent = "In the address bar"; });
  });
  title.after(button);
}
if ($("download") !== null) {
  $("download").hidden = false;
  $("download").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([$("source").textContent], { type: "application/octet-stream" }));
    link.download = $("download").dataset.name;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
for (const figure of document.querySelectorAll("figure.snippet")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", () => {
    const code = figure.querySelector("code");
    copied(button, figure.dataset.copy ?? code.textContent, () => {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    });
  });
  figure.querySelector("figcaption").append(button);
}

const byId = new Map(items.filter((item) => !item.classList.contains("deep")).map((item) => [item.querySelector("a").hash.slice(1), item]));
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    for (const item of items) item.classList.toggle("here", item === byId.get(target.id));
  }
}, { rootMargin: "-10% 0px -80% 0px" });
for (const part of document.querySelectorAll("section.part")) if (byId.has(part.id)) seen.observe(part);
`;
