"use strict";
// The browser page: its state, its controls and its search. Positions are 0-based half-open, and 1-based wherever they are shown.
const page = JSON.parse(document.getElementById("data").textContent);
const element = id => document.getElementById(id);
const whole = value => Math.round(value).toLocaleString("en");
const plain = value => value >= 100 ? whole(value) : String(Number(value.toPrecision(3)));
const LEVELS = 65535, NARROWEST = 20, PANEL = 54, ROW = 30, MOST_ROWS = 8, INITIAL_PANELS = 16, INK = "#1c1f23";
const view = { region: null, from: 0, to: 0, gene: null };
const LONGEST = Math.max(...page.tracks.flatMap(track => [track.cellType.length + 2, track.source.length]));
let panels = [], cursors = [], queued = false, width = 0, left = 0;

function say(text, problem = false) {
  element("status").textContent = text;
  element("status").classList.toggle("problem", problem);
}

function sayView(before = "") {
  const { region } = view, size = Math.round(view.to) - Math.round(view.from);
  const bin = region.bin > 1 ? `; 1 bin = ${whole(region.bin)} bases, the largest value of each` : "";
  say(`${before}${label(region.chrom, Math.round(view.from), Math.round(view.to))} (${whole(size)} bases${bin})`);
}

function show(from, to, before) {
  const { region } = view, length = region.end - region.start;
  const size = Math.min(Math.max(to - from, Math.min(NARROWEST, length)), length);
  view.from = Math.min(Math.max((from + to - size) / 2, region.start), region.end - size);
  view.to = view.from + size;
  sayView(before);
  redraw();
}

function open(region, gene = region.gene) {
  view.region = region;
  view.gene = gene;
  element("region").value = page.regions.indexOf(region);
  element("note").textContent = region.note;
}

function pan(share) { const by = share * (view.to - view.from); show(view.from + by, view.to + by); }
function zoom(factor, about = (view.from + view.to) / 2) {
  const size = view.to - view.from, narrow = Math.min(NARROWEST, view.region.end - view.region.start);
  const scale = Math.max(factor, narrow / size);
  show(about - (about - view.from) * scale, about + (view.to - about) * scale);
}
const moves = { left: () => pan(-0.25), right: () => pan(0.25), in: () => zoom(0.5), out: () => zoom(2),
  reset: () => show(view.region.start, view.region.end) };

function search(typed) {
  const text = typed.trim(), place = text.match(/^([^:\s]+):([\d,]+)\s*[-–]\s*([\d,]+)$/);
  if (!text) return;
  if (!place) return searchGene(text);
  const [from, to] = [Number(place[2].replaceAll(",", "")) - 1, Number(place[3].replaceAll(",", ""))];
  const overlap = region => region.chrom === place[1] ? Math.min(region.end, to) - Math.max(region.start, from) : 0;
  const best = page.regions.reduce((a, b) => overlap(b) > overlap(a) ? b : a);
  if (from < 0 || from >= to) return say(`${text} is no place: expected chr:start-end with 1 ≤ start ≤ end.`, true);
  if (overlap(best) <= 0) return missing(text);
  open(best, null);
  const part = overlap(best) < to - from ? "This page holds only a part of it: " : "";
  show(Math.max(from, best.start), Math.min(to, best.end), part);
}

function searchGene(text) {
  const wanted = text.toLowerCase();
  const named = gene => [gene.name, gene.id, gene.id.split(".")[0]].some(name => name.toLowerCase() === wanted);
  const found = page.regions.flatMap(region => region.genes.filter(named).map(gene => ({ region, gene })));
  if (!found.length) return missing(text);
  const inside = ({ region, gene }) => Math.min(region.end, gene.end) - Math.max(region.start, gene.start);
  const rank = hit => inside(hit) + (hit.region.gene === hit.gene.id ? 0.5 : 0);
  const { region, gene } = found.reduce((a, b) => rank(b) > rank(a) ? b : a);
  open(region, gene.id);
  const pad = Math.max(NARROWEST, (gene.end - gene.start) / 10);
  show(Math.max(gene.start - pad, region.start), Math.min(gene.end + pad, region.end), `${gene.name}: `);
}

function missing(text) {
  say(`${text} is not on this page, which holds ${page.regions.length} regions only (listed below). See tracks/igv_session.xml for the whole genome.`, true);
}

function fillControls() {
  for (const { why, title } of page.groups) {
    const group = Object.assign(document.createElement("optgroup"), { label: title });
    page.regions.forEach((region, index) => { if (region.why === why) group.append(new Option(region.name, index)); });
    if (group.children.length) element("region").append(group);
  }
  const names = new Map(page.regions.flatMap(region => region.genes).map(gene => [gene.name, gene.id]));
  for (const [name, id] of [...names].sort()) element("names").append(Object.assign(new Option(id, name), { label: id }));
  let room = INITIAL_PANELS;
  for (const [name, title] of [["cellType", "Cell types"], ["strand", "Strands"], ["source", "Signal"]]) {
    const field = document.createElement("fieldset");
    field.append(Object.assign(document.createElement("legend"), { textContent: title }));
    for (const value of new Set(page.tracks.map(track => track[name]))) {
      const count = page.tracks.filter(track => track[name] === value && track.kind !== "alternative").length, box = document.createElement("label");
      const alternative = name === "source" && page.tracks.every(track => track.source !== value || track.kind === "alternative");
      const checked = !alternative && (name !== "cellType" || room === INITIAL_PANELS || room >= count);
      if (name === "cellType") room -= count;
      const input = Object.assign(document.createElement("input"), { type: "checkbox", name, value, defaultChecked: checked });
      box.append(input, ` ${value}`);
      field.append(box);
    }
    element("choices").append(field);
  }
}

function listen() {
  const figure = element("figure");
  let drag = null;
  // No form: the frame of a report may forbid to submit one.
  const typed = () => search(element("place").value);
  element("place").addEventListener("keydown", event => { if (event.key === "Enter") typed(); });
  element("find").addEventListener("click", typed);
  element("choices").addEventListener("change", redraw);
  element("scale").addEventListener("change", redraw);
  element("region").addEventListener("change", event => { open(page.regions[event.target.value]); moves.reset(); });
  document.querySelectorAll("[data-move]").forEach(button => button.addEventListener("click", () => moves[button.dataset.move]()));
  document.querySelectorAll(".go").forEach(button => button.addEventListener("click", () => {
    open(page.regions[button.dataset.region]);
    moves.reset();
    window.scrollTo({ top: 0 });
    figure.focus({ preventScroll: true });
  }));
  const offset = event => event.clientX - figure.getBoundingClientRect().left - figure.clientLeft;
  figure.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    drag = { at: offset(event), from: view.from, to: view.to };
    figure.setPointerCapture(event.pointerId);
  });
  for (const ending of ["pointerup", "pointercancel"]) figure.addEventListener(ending, () => { drag = null; });
  figure.addEventListener("pointermove", event => {
    if (drag) {
      const by = (drag.at - offset(event)) / (width - left - 8) * (drag.to - drag.from);
      show(drag.from + by, drag.to + by);
    } else hover(offset(event));
  });
  figure.addEventListener("pointerleave", () => hover(-1));
  figure.addEventListener("dblclick", event => zoom(0.5, positionAt(offset(event))));
  figure.addEventListener("wheel", event => {
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    zoom(Math.exp((event.deltaY || event.deltaX) / 400), positionAt(Math.max(offset(event), left)));
  }, { passive: false });
  const keys = { ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", "0": "reset" };
  figure.addEventListener("keydown", event => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moves[keys[event.key]]();
  });
  new ResizeObserver(() => { if (Math.max(figure.clientWidth, 320) !== width) redraw(); }).observe(figure);
}

function hover(pixel) {
  const { region } = view, base = Math.floor(positionAt(pixel)), inside = pixel >= left && pixel <= width - 8;
  for (const cursor of cursors) {
    cursor.setAttribute("visibility", inside ? "visible" : "hidden");
    if (inside) { cursor.setAttribute("x1", pixel); cursor.setAttribute("x2", pixel); }
  }
  const bin = Math.min(Math.max(Math.floor((base - region.start) / region.bin), 0), Math.ceil((region.end - region.start) / region.bin) - 1);
  for (const { index, value } of panels) value.textContent = inside ? plain(valuesOf(region, index)[bin]) : "";
  const first = region.start + bin * region.bin, last = Math.min(first + region.bin, region.end);
  const here = last - first > 1 ? label(region.chrom, first, last) : `${region.chrom}:${whole(first + 1)}`;
  element("position").textContent = inside ? here : "";
}

fillControls();
listen();
open(page.regions[0]);
moves.reset();
if (location.hash) search(decodeURIComponent(location.hash.slice(1)));
