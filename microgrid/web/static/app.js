// The live page: asks /state once, then follows the one stream /events. Whole numbers come in (Wh, micro), formatting is done here.
import { drawFlows, drawPrices } from "./charts.js";
import { decimal, element, kwh, money, price, replace, signed, time } from "./format.js";

const ANNOUNCE_EVERY_MS = 30_000;
const REASONS = {
  bad_signature: "the signature is not the meter's",
  clock: "the time lies too far from the oracle's clock",
  equivocation: "one number, two different readings",
  inactive_device: "the meter is suspended or retired",
  malformed: "the bytes are no reading",
  oversized: "larger than a reading can be",
  power_exceeded: "more energy than the meter can carry",
  refused_on_chain: "the contract did not take it",
  register_decreased: "a register went backwards",
  replayed: "sent before",
  stale_epoch: "of an earlier enrolment",
  topic_mismatch: "sent under another meter's topic",
  unknown_device: "the meter is not registered",
};

const state = { run: null, intervals: [], invariants: null, done: null, status: null, lastId: 0 };
const $ = (id) => document.getElementById(id);
let shown = null; // index into intervals, null follows the newest
let stream = null;
let scheduled = false;
let announcedAt = -Infinity;

function take(event) {
  if (event.type === "interval") state.intervals.push(event);
  else state[event.type] = event;
}

function connect() {
  if (stream || state.done) return;
  stream = new EventSource(`events?after=${state.lastId}`);
  stream.onopen = () => say("live", "live");
  stream.onerror = () => say("connection lost, trying again", "lost");
  stream.onmessage = (message) => {
    const id = Number(message.lastEventId);
    if (id <= state.lastId) return;
    state.lastId = id;
    take(JSON.parse(message.data));
    if (state.done) disconnect();
    schedule();
  };
}

function disconnect() {
  stream?.close();
  stream = null;
}

function say(text, kind) {
  const finished = Boolean(state.done);
  $("connection").textContent = finished ? "finished" : text;
  $("connection").className = `pill ${finished ? "" : kind}`;
}

function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    render();
  });
}

function render() {
  if (state.done) say("finished", "");
  const { run, intervals } = state;
  if (run) $("title").textContent = run.title || `microgrid · ${run.homes.length} homes`;
  renderInvariants();
  if (!run || !intervals.length) {
    if (state.status) $("clock").textContent = state.status.text;
    return;
  }
  const at = shown === null ? intervals.length - 1 : Math.min(shown, intervals.length - 1);
  const upTo = intervals.slice(0, at + 1);
  renderHeader(at);
  renderFigures(intervals[at], upTo);
  drawPrices($("chart"), intervals, at, run);
  drawFlows($("flows"), intervals[at].flows);
  renderFlowsNote(intervals[at]);
  renderTraders(intervals[at]);
  renderBills(upTo);
  renderReadings(upTo);
  if ($("history").open) renderHistory();
  announce(at);
}

function renderHeader(at) {
  const { run, intervals } = state;
  const { start_s: start, end_s: end } = intervals[at];
  $("clock").textContent = `${time(start, true)} – ${time(end)} UTC`;
  $("progress").max = run.intervals;
  $("progress").value = intervals.length;
  $("count").textContent = `${intervals.length} of ${run.intervals} settled`;
  const scrub = $("scrub");
  scrub.disabled = intervals.length < 2;
  scrub.max = intervals.length - 1;
  scrub.value = at;
  scrub.setAttribute("aria-valuetext", `${time(start, true)} UTC`);
  $("follow").setAttribute("aria-pressed", String(shown === null));
}

function renderFigures(interval, upTo) {
  const { currency } = state.run;
  const all = Object.values(billsOf(upTo));
  const bill = all.reduce((sum, home) => sum + home.bill, 0);
  const alone = all.reduce((sum, home) => sum + home.alone, 0);
  const saving = alone - bill;
  $("saving").textContent = `${saving < 0 ? "▼" : "▲"} ${signed(saving)} ${currency}`;
  $("saving").className = saving < 0 ? "down" : "up";
  $("saving-note").textContent = `bills ${money(bill)} ${currency}, without the market ${money(alone)} ${currency}`;
  $("price").textContent = interval.traded_wh ? price(interval.price) : "no trade";
  $("band").textContent = `${currency}/kWh, between ${price(interval.feed_in)} and ${price(interval.retail)}`;
  $("traded").textContent = `${kwh(upTo.reduce((sum, item) => sum + item.traded_wh, 0))} kWh`;
  $("traded-note").textContent = `${kwh(interval.traded_wh)} kWh in this interval`;
}

function billsOf(intervals) {
  const bills = {};
  for (const interval of intervals) {
    for (const home of interval.homes) {
      const sum = (bills[home.id] ??= { bill: 0, alone: 0 });
      sum.bill += home.bill;
      sum.alone += home.without_market;
    }
  }
  return bills;
}

function renderBills(upTo) {
  const bills = billsOf(upTo);
  const homes = state.run.homes.filter((home) => bills[home.id]);
  replace($("bills"), homes.map((home) => billRow("th", home.id, bills[home.id])));
  const all = { bill: 0, alone: 0 };
  for (const { bill, alone } of Object.values(bills)) {
    all.bill += bill;
    all.alone += alone;
  }
  replace($("bills-sum"), [billRow("td", `All, ${state.run.currency}`, all)]);
}

function billRow(tag, name, { bill, alone }) {
  const saving = alone - bill;
  const arrow = saving > 0 ? "▲" : saving < 0 ? "▼" : "=";
  const first = element(tag, { textContent: name });
  if (tag === "th") first.scope = "row";
  const cells = [
    element("td", { textContent: `${arrow} ${signed(saving)}`, className: saving < 0 ? "down" : saving > 0 ? "up" : "" }),
    element("td", { textContent: money(bill) }),
    element("td", { textContent: money(alone) }),
  ];
  return element("tr", {}, [first, ...cells]);
}

function renderTraders(interval) {
  const most = Math.max(1, ...interval.homes.map((home) => Math.abs(home.sold_wh - home.bought_wh)));
  replace($("traders"), interval.homes.map((home) => traderRow(home, most)));
}

function traderRow(home, most) {
  const net = home.sold_wh - home.bought_wh;
  const verb = net > 0 ? "sells" : net < 0 ? "buys" : "";
  const bar = element("i", { className: net > 0 ? "sell" : "buy" });
  bar.style.width = `${(50 * Math.abs(net)) / most}%`;
  const amount = net ? `${verb} ${kwh(Math.abs(net))}` : "no trade";
  return element("li", {}, [
    element("span", { className: "name", textContent: home.id, title: home.id }),
    element("span", { className: "track", ariaHidden: "true" }, [bar]),
    element("span", { className: net ? "amount" : "amount quiet", textContent: home.metered ? amount : `${amount} ?`, title: home.metered ? "" : "no reading yet" }),
  ]);
}

function renderFlowsNote(interval) {
  const sum = (key) => interval.homes.reduce((total, home) => total + home[key], 0);
  const unread = interval.homes.filter((home) => !home.metered).length;
  const note = `Meters: ${kwh(sum("import_wh"))} kWh imported, ${kwh(sum("export_wh"))} kWh exported.`;
  $("flows-note").textContent = unread ? `${note} ${unread} homes without a reading.` : note;
}

function renderReadings(upTo) {
  const counts = {};
  let accepted = 0;
  for (const interval of upTo) {
    accepted += interval.readings;
    for (const [reason, number] of Object.entries(interval.refused)) counts[reason] = (counts[reason] ?? 0) + number;
  }
  const end = state.done && upTo.length === state.intervals.length ? state.done : null;
  if (end) Object.assign(counts, end.refused); // with what came after the last interval
  const refused = Object.values(counts).reduce((sum, number) => sum + number, 0);
  const taken = end ? `${end.sent} sent, ${end.stored} stored, ${end.on_chain} on chain` : `${accepted} accepted`;
  $("readings").textContent = `${taken}, ${refused} refused.`;
  const rows = Object.entries(counts).map(([reason, number]) =>
    element("li", { textContent: `${number} × ${reason.replaceAll("_", " ")}${REASONS[reason] ? `: ${REASONS[reason]}` : ""}` }),
  );
  replace($("refused"), rows);
}

function renderInvariants() {
  const items = state.invariants?.items ?? runningInvariants();
  replace($("invariants"), items.map((item) =>
    element("li", { className: item.error ? "off" : "" }, [
      element("b", { textContent: `${item.error ? "✗" : "✓"} ${item.name.replaceAll("_", " ")}` }),
      `: ${item.error ? `off by ${item.error}` : "exact"}`,
      element("small", { textContent: item.description }),
    ]),
  ));
}

function runningInvariants() {
  if (!state.intervals.length) return [];
  const error = state.intervals.reduce((sum, item) => sum + Math.abs(item.money_error), 0);
  return [{ name: "money_so_far", error, description: "Homes, grid, fees and rounding sum to zero; all checks follow at the end." }];
}

function renderHistory() {
  replace($("history-rows"), state.intervals.map((item) =>
    element("tr", {}, [
      element("th", { scope: "row", textContent: time(item.start_s, true) }),
      ...[price(item.feed_in), item.traded_wh ? price(item.price) : "–", price(item.retail), decimal(item.traded_wh / 1e3, 3)].map((text) =>
        element("td", { textContent: text }),
      ),
    ]),
  ));
}

function announce(at) {
  const now = performance.now();
  if (!state.done && now - announcedAt < ANNOUNCE_EVERY_MS) return;
  announcedAt = now;
  const { run, intervals } = state;
  $("announce").textContent = `${state.done ? "Finished. " : ""}${intervals.length} of ${run.intervals} intervals settled. Saving so far ${$("saving").textContent.slice(2)}. Price ${$("price").textContent}.`;
}

function show(index) {
  shown = index;
  render();
}

$("scrub").addEventListener("input", (event) => show(Number(event.target.value)));
$("follow").addEventListener("click", () => show(null));
$("history").addEventListener("toggle", schedule);
addEventListener("resize", schedule);
// A hidden page gives its connection back (browsers allow six a host) and catches up when it is seen again.
document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));

async function begin() {
  const { intervals, last_id: lastId, ...newest } = await (await fetch("state")).json();
  Object.assign(state, newest, { intervals, lastId });
  render();
  connect();
}

begin().catch(() => {
  say("connection lost, trying again", "lost");
  setTimeout(() => location.reload(), 3_000);
});
