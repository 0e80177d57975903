// The script of the HTML report: search, filter, copy, keys. The page says everything without it.

export const pageScript = `
const form = document.querySelector("form.find");
const query = form.elements.query;
const verdict = form.elements.verdict;
const status = document.querySelector("#found");
const rows = [...document.querySelectorAll("tr[data-verdict]")].map((row) => ({ row, text: row.textContent.toLowerCase() }));
const causes = [...document.querySelectorAll("article.failure")].map((row) => ({ row, text: row.textContent.toLowerCase() }));
const entries = [...document.querySelectorAll("ol.causes > li")];
function filter() {
  const words = query.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const fits = (text) => words.every((word) => text.includes(word));
  let shown = 0;
  for (const { row, text } of rows) {
    row.hidden = !fits(text) || (verdict.value !== "" && row.dataset.verdict !== verdict.value);
    if (!row.hidden) shown++;
  }
  causes.forEach(({ row, text }, at) => {
    row.hidden = !fits(text);
    if (entries[at] !== undefined) entries[at].hidden = row.hidden;
  });
  for (const table of document.querySelectorAll("div.phase")) table.hidden = table.querySelector("tbody tr:not([hidden])") === null;
  status.textContent = words.length === 0 && verdict.value === "" ? "" : shown + " of " + rows.length + " rules";
}
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target.closest("input, select, textarea") !== null;
  if (event.key === "Escape" && isTyping) {
    query.value = "";
    filter();
    event.target.blur();
  }
  if (isTyping) return;
  if (event.key === "/") {
    event.preventDefault();
    query.focus();
  }
  if (event.key !== "j" && event.key !== "k") return;
  const open = causes.map(({ row }) => row).filter((row) => !row.hidden);
  const now = open.findIndex((row) => row.id === location.hash.slice(1));
  const next = open[event.key === "j" ? now + 1 : now - 1];
  if (next !== undefined) location.hash = next.id;
});
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "copied";
    setTimeout(() => (button.textContent = "copy"), 2000);
  });
}
`;
