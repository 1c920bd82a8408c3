// Numbers and elements. Money and prices come as micro (1e-6 of the currency), energy as Wh.
const MICRO = 1e6;
const WH_PER_KWH = 1e3;
const formats = new Map();

function format(places, sign) {
  const key = `${places}${sign}`;
  if (!formats.has(key)) {
    formats.set(key, new Intl.NumberFormat(undefined, { minimumFractionDigits: places, maximumFractionDigits: places, signDisplay: sign }));
  }
  return formats.get(key);
}

export const decimal = (value, places) => format(places, "auto").format(value);
export const money = (micro) => format(3, "negative").format(micro / MICRO);
export const signed = (micro) => format(3, "exceptZero").format(micro / MICRO);
export const price = (micro) => format(4, "auto").format(micro / MICRO);
export const kwh = (wh) => format(wh >= 1e5 ? 1 : 2, "auto").format(wh / WH_PER_KWH);

const clock = new Intl.DateTimeFormat(undefined, { timeZone: "UTC", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const date = new Intl.DateTimeFormat(undefined, { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" });

const short = new Intl.DateTimeFormat(undefined, { timeZone: "UTC", day: "numeric", month: "short" });
export const day = (seconds) => short.format(new Date(seconds * 1e3));

export function time(seconds, withDay = false) {
  const at = new Date(seconds * 1e3);
  return withDay ? `${date.format(at)}, ${clock.format(at)}` : clock.format(at);
}

export function element(tag, properties = {}, children = []) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export function replace(parent, children) {
  parent.replaceChildren(...children);
}
