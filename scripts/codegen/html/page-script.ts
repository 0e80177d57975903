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
const filter = () => {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  for (const item of items) {
    const hit = words.every((word) => item.dataset.words.includes(word));
    item.hidden = words.length > 0 && !hit;
    if (hit) count++;
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

for (const figure of document.querySelectorAll("figure.snippet")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = figure.dataset.copy ?? figure.querySelector("code").textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
    catch { getSelection().selectAllChildren(figure.querySelector("code")); button.textContent = "Selected"; }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
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
