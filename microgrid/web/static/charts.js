// Two small drawings in SVG: the price within its band over intervals, and energy between homes and grid.
import { day, kwh, price, time } from "./format.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 190;
const MARGIN = { left: 46, right: 10, top: 14, bottom: 22 };
const PIXELS_PER_TICK = 60;
const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const ROUND_HOURS = [0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 168, 336, 720];

function shape(tag, attributes, text) {
  const node = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// Steps that last as long as their intervals; a null value leaves a gap.
function steps(values, x, y) {
  let path = "";
  values.forEach((value, i) => {
    if (value === null) return;
    path += `${i && values[i - 1] !== null ? "L" : "M"}${x(i)} ${y(value)}H${x(i + 1)}`;
  });
  return path;
}

export function drawPrices(container, intervals, at, run) {
  const width = Math.max(260, container.clientWidth);
  const count = Math.max(run.intervals, intervals.length);
  const top = Math.max(...intervals.map((item) => item.retail)) * 1.08;
  const x = (i) => MARGIN.left + ((width - MARGIN.left - MARGIN.right) * i) / count;
  const y = (micro) => MARGIN.top + (HEIGHT - MARGIN.top - MARGIN.bottom) * (1 - micro / top);
  const low = intervals.map((item) => item.feed_in);
  const high = intervals.map((item) => item.retail);
  const traded = intervals.map((item) => (item.traded_wh ? item.price : null));
  const svg = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" });
  svg.append(
    shape("path", { class: "area", d: area(low, high, x, y) }),
    shape("path", { class: "edge", d: steps(high, x, y) }),
    shape("path", { class: "edge", d: steps(low, x, y) }),
    shape("path", { class: "price", d: steps(traded, x, y) }),
    ...label(x(0) + 4, y(high[0]) - 4, "retail"),
    ...label(x(0) + 4, y(low[0]) + 13, "feed-in"),
    ...priceAxis(top, y),
    ...timeAxis(intervals, count, x, width),
    ...marker(intervals[at], x(at), x(at + 1), y),
  );
  container.replaceChildren(svg);
  const now = traded[at] === null ? "nothing traded" : `price ${price(traded[at])} ${run.currency} per kWh`;
  container.setAttribute("aria-label", `Price per interval. ${time(intervals[at].start_s)} UTC: ${now}, band ${price(low[at])} to ${price(high[at])}.`);
}

function area(low, high, x, y) {
  const there = high.map((value, i) => `${i ? "L" : "M"}${x(i)} ${y(value)}H${x(i + 1)}`).join("");
  const back = low.map((value, i) => `L${x(i + 1)} ${y(value)}H${x(i)}`).reverse().join("");
  return `${there}${back}Z`;
}

const label = (x, y, text) => [shape("text", { x, y }, text)];

function priceAxis(top, y) {
  return [0, 0.5, 1].map((part) => shape("text", { x: MARGIN.left - 6, y: y((top / 1.08) * part) + 4, "text-anchor": "end" }, price((top / 1.08) * part).slice(0, -1)));
}

function timeAxis(intervals, count, x, width) {
  const { start_s: start, end_s: end } = intervals[0];
  const length = end - start;
  const least = (count * length * PIXELS_PER_TICK) / (width - MARGIN.left);
  const every = ROUND_HOURS.map((hours) => hours * HOUR_S).find((step) => step >= least) ?? least;
  const last = start + count * length - every / 2;
  const ticks = [];
  for (let at = Math.ceil(start / every) * every; at <= last; at += every) {
    ticks.push(shape("text", { x: x((at - start) / length), y: HEIGHT - 5 }, every < DAY_S ? time(at) : day(at)));
  }
  return ticks;
}

function marker(interval, from, to, y) {
  const middle = (from + to) / 2;
  const line = shape("path", { class: "cursor", d: `M${middle} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}` });
  return interval.traded_wh ? [line, shape("circle", { class: "dot", cx: middle, cy: y(interval.price), r: 4.5 })] : [line];
}

const lineWidth = (part) => 1.5 + 9 * part;
const FLOWS = [
  ["between", "M262 56V100", "between_wh", 252, 88, "end"],
  ["to", "M206 36Q120 36 66 61", "to_grid_wh", 112, 30, "middle"],
  ["from", "M50 104Q90 132 190 133", "from_grid_wh", 112, 150, "middle"],
];
const NODES = [
  [4, 68, 72, 34, "Grid"],
  [208, 20, 108, 34, "Homes selling"],
  [208, 116, 108, 34, "Homes buying"],
];

export function drawFlows(container, flows) {
  const most = Math.max(1, ...FLOWS.map(([, , key]) => flows[key]));
  const svg = shape("svg", { viewBox: "0 0 320 164", "aria-hidden": "true" });
  for (const [kind, path, key, x, y, anchor] of FLOWS) {
    const idle = flows[key] ? "" : " idle";
    svg.append(
      arrowHead(kind, lineWidth(flows[key] / most)),
      shape("path", { class: `flow ${kind}${idle}`, d: path, "stroke-width": lineWidth(flows[key] / most), "marker-end": `url(#head-${kind})` }),
      shape("text", { class: "strong", x, y, "text-anchor": anchor }, `${kwh(flows[key])} kWh`),
    );
  }
  for (const [x, y, width, height, name] of NODES) {
    svg.append(
      shape("rect", { class: "node", x, y, width, height, rx: 8 }),
      shape("text", { class: "strong", x: x + width / 2, y: y + height / 2 + 4, "text-anchor": "middle" }, name),
    );
  }
  container.replaceChildren(svg);
  container.setAttribute("aria-label", `Between homes ${kwh(flows.between_wh)} kWh, from the grid ${kwh(flows.from_grid_wh)} kWh, to the grid ${kwh(flows.to_grid_wh)} kWh.`);
}

// The head begins where the line ends, 14 units before the node.
function arrowHead(kind, width) {
  const head = shape("marker", { id: `head-${kind}`, viewBox: "0 0 10 10", refX: 0, refY: 5, markerWidth: 14, markerHeight: width + 9, preserveAspectRatio: "none", orient: "auto", markerUnits: "userSpaceOnUse" });
  head.append(shape("path", { class: `head ${kind}`, d: "M0 0L10 5L0 10Z" }));
  return head;
}
