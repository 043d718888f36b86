"use strict";
// Numbers as text, and DOM from data. Names come from a model that nobody vouches for: they only ever become text nodes.
const Octet = {};

Octet.number = value => (value === undefined || value === null ? null : Number(value)); // "Infinity" and "NaN" are text in JSON

Octet.fixed = (value, digits) => {
  const n = Octet.number(value);
  if (n === null) return "–";
  if (Number.isNaN(n)) return "not a number";
  if (!Number.isFinite(n)) return n > 0 ? "∞" : "−∞";
  return n.toFixed(digits).replace("-", "−");
};

Octet.significant = value => {
  const n = Octet.number(value);
  if (n === null || !Number.isFinite(n) || n === 0) return Octet.fixed(value, 0);
  const size = Math.abs(n);
  const text = size >= 1e6 || size < 1e-3 ? n.toExponential(2) : String(Number(n.toPrecision(4)));
  return text.replace(/-/g, "−");
};

Octet.decibels = value => {
  const n = Octet.number(value);
  if (n === Infinity) return "exact";
  return n === null || !Number.isFinite(n) ? Octet.fixed(n, 1) : Octet.fixed(n, 1) + " dB";
};

Octet.bytes = value => {
  let n = value;
  if (n < 1000) return n + " B";
  const units = ["kB", "MB", "GB", "TB", "PB", "EB"];
  let unit = -1;
  do { n /= 1000; unit++; } while (n >= 999.5);
  return n.toFixed(n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2) + " " + units[unit];
};

Octet.count = value => {
  if (value === undefined || value === null) return "–";
  if (value < 10000) return String(value);
  const units = ["k", "M", "G", "T"];
  let n = value, unit = -1;
  while (n >= 999.5 && unit < units.length - 1) { n /= 1000; unit++; }
  return Number(n.toPrecision(3)) + " " + units[unit];
};

Octet.share = value => {
  const n = Octet.number(value);
  if (n === null) return "–";
  if (n === 0) return "none";
  const percent = n * 100;
  return percent < 0.01 ? "< 0.01 %" : percent.toFixed(percent < 1 ? 2 : 1) + " %";
};

Octet.metric = (value, unit) => {
  const n = Octet.number(value);
  if (n === null) return "–";
  if (unit === "dB") return Octet.decibels(n);
  if (unit === "%") return Octet.fixed(n, Math.abs(n) > 99.9 && n !== 100 ? 2 : 1) + " %";
  return Octet.significant(n) + (unit ? " " + unit : "");
};

Octet.change = (before, after, unit) => {
  const difference = Octet.number(after) - Octet.number(before);
  if (Number.isNaN(difference)) return "–";
  const sign = difference > 0 ? "+" : "";
  return unit === "%"
    ? sign + (difference === 0 ? "0" : Octet.fixed(difference, 2)) + " points"
    : sign + Octet.metric(difference, unit);
};

Octet.interval = interval =>
  interval ? Octet.significant(interval.min) + " to " + Octet.significant(interval.max) : "–";

Octet.seconds = iso => {
  const parts = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(iso);
  return parts ? (parts[1] || 0) * 3600 + (parts[2] || 0) * 60 + Number(parts[3] || 0) : NaN;
};

Octet.time = seconds => {
  if (seconds < 1) return Math.round(seconds * 1000) + " ms";
  return seconds < 60
    ? seconds.toFixed(1) + " s"
    : Math.floor(seconds / 60) + " min " + Math.round(seconds % 60) + " s";
};

Octet.capital = text => text.charAt(0).toUpperCase() + text.slice(1);

Octet.plural = (n, noun) => n + " " + noun + (n === 1 ? "" : "s");

// An element with attributes and children; a child that is no node becomes text.
Octet.element = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
};

// A definition list of [term, description] pairs; pairs without a description are left out.
Octet.figures = (name, pairs) =>
  Octet.element("dl", {class: name}, ...pairs
    .filter(([, description]) => description !== null && description !== undefined && description !== "–")
    .map(([term, description]) => Octet.element("div", {},
      Octet.element("dt", {}, term), Octet.element("dd", {}, description))));

// A table of plain text that scrolls when it is too wide. Columns: {title, number}; the first cell of a row is its heading.
Octet.table = (caption, columns, rows) => Octet.element("div", {class: "scroll"}, Octet.element("table", {},
  Octet.element("caption", {}, caption),
  Octet.element("thead", {}, Octet.element("tr", {}, ...columns.map(column =>
    Octet.element("th", {scope: "col", class: column.number ? "number" : ""}, column.title)))),
  Octet.element("tbody", {}, ...rows.map(row => Octet.element("tr", {}, ...row.map((cell, i) => i === 0
    ? Octet.element("th", {scope: "row"}, cell)
    : Octet.element("td", {class: columns[i].number ? "number" : ""}, cell)))))));
