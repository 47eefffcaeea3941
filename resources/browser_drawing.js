// Drawing: gene models and panels, drawn again for each view.
function node(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

const label = (chrom, from, to) => `${chrom}:${whole(from + 1)}-${whole(to)}`;
const x = position => left + (position - view.from) / (view.to - view.from) * (width - left - 8);
const positionAt = pixel => view.from + (pixel - left) / (width - left - 8) * (view.to - view.from);

function valuesOf(region, track) {
  region.values ??= [];
  if (!region.values[track]) {
    const [peak, text] = region.signals[track];
    const shares = new DataView(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
    region.values[track] = Float64Array.from(
      { length: shares.byteLength / 2 }, (_, bin) => shares.getUint16(2 * bin, true) * peak / LEVELS);
  }
  return region.values[track];
}

// Steps to draw: one a bin, or one a pixel with the maximum of its bins where there are more bins than pixels.
function steps(values, region) {
  const first = Math.max(0, Math.floor((view.from - region.start) / region.bin));
  const last = Math.min(values.length, Math.ceil((view.to - region.start) / region.bin));
  const count = Math.min(last - first, Math.round(width - left - 8));
  const edges = Array.from({ length: count + 1 }, (_, step) => first + Math.round(step * (last - first) / count));
  const heights = edges.slice(0, -1).map((start, step) => {
    let highest = 0;
    for (let bin = start; bin < edges[step + 1]; bin++) if (values[bin] > highest) highest = values[bin];
    return highest;
  });
  const pixels = edges.map(bin => Math.min(Math.max(x(region.start + bin * region.bin), left), width - 8).toFixed(1));
  return { heights, pixels, top: heights.reduce((a, b) => Math.max(a, b), 0) };
}

function outline({ heights, pixels }, top) {
  let path = `M${pixels[0]},${PANEL - 4}`, before = null;
  heights.forEach((height, step) => {
    const y = (PANEL - 4 - height / top * (PANEL - 12)).toFixed(1);
    if (y !== before) path += `H${pixels[step]}V${y}`;
    before = y;
  });
  return `${path}H${pixels.at(-1)}V${PANEL - 4}Z`;
}

function ticks() {
  const rough = (view.to - view.from) / Math.max(2, (width - left) / 130);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map(digit => digit * power).find(size => size >= rough));
  const found = [];
  for (let tick = Math.ceil((view.from + 1) / step) * step; tick <= view.to; tick += step) found.push(tick);
  return found;
}

function drawHead(region) {
  const picture = node("svg", { width, role: "img", "aria-label": "Gene models" });
  for (const tick of ticks()) {
    picture.append(node("line", { x1: x(tick - 0.5), x2: x(tick - 0.5), y1: 18, y2: 23, stroke: "#8a929c" }));
    const half = whole(tick).length * 3.2, at = Math.min(Math.max(x(tick - 0.5), left + half), width - half - 2);
    picture.append(node("text", { x: at, y: 14, "text-anchor": "middle", "font-size": 11, fill: "#565d66" }, whole(tick)));
  }
  picture.append(node("text", { x: left - 8, y: 14, "text-anchor": "end", "font-size": 11, fill: "#565d66" }, region.chrom));
  picture.append(node("line", { x1: left, x2: width - 8, y1: 23, y2: 23, stroke: "#8a929c" }));
  const ends = [];
  let hidden = 0;
  for (const gene of region.genes.filter(gene => gene.start < view.to && gene.end > view.from)) {
    const from = Math.max(x(gene.start), left), to = Math.max(Math.min(x(gene.end), width - 8), from + 1);
    const text = gene.strand === "+" ? `${gene.name} →` : `← ${gene.name}`, half = text.length * 3.4 + 2;
    const middle = Math.min(Math.max((from + to) / 2, left + half), width - 8 - half);
    const free = ends.findIndex(end => end < Math.min(from, middle - half) - 4), row = free < 0 ? ends.length : free;
    if (row >= MOST_ROWS) { hidden++; continue; }
    ends[row] = Math.max(to, middle + half);
    picture.append(drawGene(gene, from, to, middle, text, 28 + row * ROW));
  }
  const height = 32 + Math.max(1, ends.length) * ROW + (hidden ? 16 : 0);
  const remark = hidden ? `${hidden} more genes in view: zoom in` : ends.length ? "" : "no annotated gene in view";
  picture.append(node("text", { x: (left + width) / 2, y: height - 8, "text-anchor": "middle", "font-size": 11, fill: "#565d66" }, remark));
  picture.setAttribute("height", height);
  return picture;
}

function drawGene(gene, from, to, middle, text, y) {
  const chosen = gene.id === view.gene, colour = chosen ? "#00558a" : INK;
  const group = node("g", { fill: colour, stroke: "none", "data-gene": gene.id });
  group.append(node("title", {}, `${gene.name} (${gene.id}), ${label(view.region.chrom, gene.start, gene.end)}, strand ${gene.strand}`));
  group.append(node("text", { x: middle, y: y + 10, "text-anchor": "middle", "font-size": 11.5, "font-weight": chosen ? 700 : 400 }, text));
  group.append(node("line", { x1: from, x2: to, y1: y + 19, y2: y + 19, stroke: colour }));
  const nose = gene.strand === "+" ? 3 : -3;
  let arrows = "";
  for (let at = from + 12; at < to - 4; at += 24) arrows += `M${at - nose},${y + 16}l${nose},3l${-nose},3`;
  group.append(node("path", { d: arrows, fill: "none", stroke: colour }));
  for (const [start, end] of gene.exons) {
    if (end <= view.from || start >= view.to) continue;
    const begin = Math.max(x(start), left), finish = Math.min(x(end), width - 8);
    group.append(node("rect", { x: begin, width: Math.max(finish - begin, 1), y: y + 14, height: 10 }));
  }
  return group;
}

function drawPanel(index, shape, top) {
  const track = page.tracks[index], right = { x: left - 30, "text-anchor": "end" };
  const name = `${track.cellType} ${track.symbol}`, most = Math.floor((left - 34) / 6.4);
  const picture = node("svg", { width, height: PANEL, role: "img", "data-track": index, "data-top": top,
    "aria-label": `${track.cellType} ${track.strand}, ${track.source}; largest value in view ${plain(shape.top)}` });
  picture.append(node("title", {}, `${track.cellType} ${track.strand}, ${track.kind}${track.model ? ` by ${track.model}` : ""}`));
  picture.append(node("path", { d: outline(shape, top), fill: track.colour }));
  picture.append(node("line", { x1: left, x2: width - 8, y1: PANEL - 4, y2: PANEL - 4, stroke: "#d5d9de" }));
  picture.append(node("line", { x1: left, x2: left, y1: 8, y2: PANEL - 4, stroke: "#8a929c" }));
  const short = text => text.length > most ? `${text.slice(0, most - 1)}…` : text;
  const brief = track.kind === "alternative" ? `alt. ${track.model}` : track.model; // colours also tell the kinds apart
  const source = track.source.length > most && track.source !== track.kind ? brief : track.source;
  picture.append(node("text", { ...right, y: 26, "font-size": 12.5 }, short(name)));
  picture.append(node("text", { ...right, y: 40, "font-size": 11.5, fill: track.textColour }, short(source)));
  for (const [text, y] of [[plain(top), 13], ["0", PANEL - 3]])
    picture.append(node("text", { x: left - 4, y, "text-anchor": "end", "font-size": 10, fill: "#565d66" }, text));
  const value = node("text", { x: width - 11, y: 17, "text-anchor": "end", "font-size": 11.5, "font-weight": 600, fill: INK,
    stroke: "#fff", "stroke-width": 3, "paint-order": "stroke" });
  picture.append(value);
  panels.push({ index, value });
  return picture;
}

// The changed bases of a variant, or the place of an insertion, behind everything else.
function markChange(picture, start, end) {
  const from = Math.max(x(start), left), to = Math.min(x(Math.max(end, start)), width - 8);
  if (to < left || from > width - 8) return;
  const wide = Math.max(to - from, 2);
  picture.prepend(node("rect", { x: (from + to - wide) / 2, width: wide, y: 0, height: "100%", fill: "#cc79a7", "fill-opacity": 0.45, "data-change": "" }));
}

function shownTracks() {
  const chosen = name => new Set([...document.querySelectorAll(`#choices [name=${name}]:checked`)].map(box => box.value));
  const [cellTypes, strands, sources] = ["cellType", "strand", "source"].map(chosen);
  return page.tracks.map((track, index) => index).filter(index => {
    const track = page.tracks[index];
    return cellTypes.has(track.cellType) && strands.has(track.strand) && sources.has(track.source) && view.region.signals[index];
  });
}

function draw() {
  queued = false;
  const { region } = view, figure = element("figure"), free = element("scale").value === "free";
  width = Math.max(figure.clientWidth, 320);
  left = Math.min(46 + 6.7 * LONGEST, width < 800 ? 118 : 190);
  panels = [];
  const shown = shownTracks(), shapes = shown.map(index => steps(valuesOf(region, index), region)), tops = {};
  const group = index => free ? index : page.tracks[index].cellType;
  shown.forEach((index, at) => { tops[group(index)] = Math.max(tops[group(index)] ?? 0, shapes[at].top); });
  element("head").replaceChildren(drawHead(region));
  element("panels").replaceChildren(...shown.map((index, at) => drawPanel(index, shapes[at], tops[group(index)] || 1)));
  for (const picture of region.change ? figure.querySelectorAll("svg") : []) markChange(picture, ...region.change);
  cursors = [...figure.querySelectorAll("svg")].map(picture => picture.appendChild(
    node("line", { y1: 0, y2: "100%", stroke: "#9a3d00", "stroke-dasharray": "2 2", visibility: "hidden", "pointer-events": "none" })));
  figure.dataset.from = Math.round(view.from) + 1;
  figure.dataset.to = Math.round(view.to);
  figure.dataset.chrom = region.chrom;
}

function redraw() {
  if (!queued) { queued = true; requestAnimationFrame(draw); }
}
