// Behaviour of the report page: tables, and folds that links open.
"use strict";
const PAGE = 20;

function element(tag, attributes, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

// A table with sorting and, where it is long or wide, a filter, pages and columns on demand.
function enliven(table) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows], texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
  const bar = element("div", { class: "controls" });
  const filter = element("input", { type: "search", placeholder: "filter rows", "aria-label": "Filter rows" });
  const back = element("button", { type: "button", "aria-label": "Previous rows" }, "‹");
  const forth = element("button", { type: "button", "aria-label": "Next rows" }, "›");
  const where = element("span", { class: "where", role: "status" });
  let first = 0;

  function show() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter(row => words.every(word => texts.get(row).includes(word)));
    first = Math.max(0, Math.min(first, Math.floor((found.length - 1) / PAGE) * PAGE));
    const shown = new Set(found.slice(first, first + PAGE));
    for (const row of rows) row.hidden = !shown.has(row);
    where.textContent = found.length ? `${first + 1}–${first + shown.size} of ${found.length.toLocaleString("en")}` : "no matching row";
    back.disabled = first === 0;
    forth.disabled = first + PAGE >= found.length;
  }

  // Dashes, and words among numbers, stay last in both directions.
  function sortBy(head) {
    const column = head.cellIndex, numeric = ["number", "named"].some(name => head.classList.contains(name));
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const key = row => {
      const text = row.cells[column].textContent;
      const value = numeric ? parseFloat(text.replace(/^▼ |,/g, "")) : text;
      return text === "–" || Number.isNaN(value) ? null : value;
    };
    const compare = (a, b) => numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
    const keys = new Map(rows.map(row => [row, key(row)]));
    rows.sort((one, other) => {
      const a = keys.get(one), b = keys.get(other);
      return (a === null) - (b === null) || (a === null ? 0 : direction * compare(a, b));
    });
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    body.append(...rows);
    first = 0;
    if (long) show();
  }

  const long = rows.length > PAGE;
  for (const head of heads) head.querySelector("button").addEventListener("click", () => sortBy(head));
  if (long) {
    filter.addEventListener("input", () => { first = 0; show(); });
    back.addEventListener("click", () => { first -= PAGE; show(); });
    forth.addEventListener("click", () => { first += PAGE; show(); });
    bar.append(filter, back, forth, where);
    show();
  }
  if (heads.some(head => head.classList.contains("minor"))) {
    const more = element("button", { type: "button", "aria-pressed": "false" }, "all columns");
    more.addEventListener("click", () => more.setAttribute("aria-pressed", table.classList.toggle("all-columns")));
    bar.append(more);
  }
  if (bar.childNodes.length) table.parentNode.before(bar);
}
document.querySelectorAll(".sortable").forEach(enliven);

// A link into a closed fold opens it, and a printed page has all folds open.
function reveal() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
addEventListener("click", event => {
  const link = event.target.closest('a[href^="#"]');
  if (link && link.getAttribute("href") === location.hash) reveal();
});
reveal();

let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const fold of closed) fold.open = true;
});
addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });
