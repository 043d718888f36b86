"use strict";
// Fills the page from the data inside it. A section appears only when the report knows something for it.
(() => {
  const {report, verdict, warnings} = JSON.parse(document.getElementById("data").textContent);
  const {element, figures, table, number, fixed, decibels, bytes, count, share, metric, significant, plural, capital} = Octet;
  const byId = id => document.getElementById(id);
  const {run, layers, tensors} = report;
  const comparison = run.kind === "COMPARISON";
  const has = key => layers.some(layer => layer[key] !== undefined);
  const sized = layers.filter(layer => layer.bytesBefore > 0 || layer.bytesAfter > 0);
  const state = layer => element("span", {class: "state " + (layer.quantized ? "quantized" : "float")},
    layer.quantized ? "quantized" : "float");
  // A measure to sort and compare by: NaN is worse than anything, unknown is last.
  const rank = value => (Number.isNaN(value) ? -Infinity : value);
  const shown = new Set(["reading"]);
  const show = id => { byId(id).hidden = false; shown.add(id); };

  let selected = -1;
  let errorChart = null;
  let histograms = [];
  let logarithmic = false;

  function header() {
    byId("kind").textContent = comparison ? "Comparison of two models" : "Quantization report";
    byId("model").textContent = comparison && run.outputFile ? run.modelFile + " against " + run.outputFile : run.modelFile;
    const settings = run.settings;
    const parts = settings
      ? ["recipe " + settings.recipeName, settings.mode, settings.format, "for " + settings.target] : [];
    if (!comparison && run.outputFile) parts.push("written to " + run.outputFile);
    parts.push(new Date(run.created).toLocaleString("en-GB",
      {day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short"}));
    byId("run").textContent = parts.join(" · ");
  }

  function headline() {
    byId("verdict").classList.add(verdict.grade.toLowerCase());
    byId("verdict-title").textContent = verdict.title;
    byId("verdict-text").textContent = verdict.text;
    const tile = (term, figure, note) => byId("tiles").append(element("div", {},
      element("dt", {}, term),
      element("dd", {class: "figure"}, figure),
      element("dd", {class: "note"}, note)));
    const size = report.size;
    if (size && size.bytesBefore > 0 && size.bytesAfter > 0) {
      tile("Size", bytes(size.bytesAfter),
        "was " + bytes(size.bytesBefore) + ", " + (size.bytesAfter <= size.bytesBefore
          ? (size.bytesBefore / size.bytesAfter).toFixed(1) + "× smaller"
          : (size.bytesAfter / size.bytesBefore).toFixed(1) + "× larger"));
    }
    for (const result of report.metrics.filter(result => number(result.floatValue) !== null).slice(0, 1)) {
      tile(capital(result.name), metric(result.quantizedValue, result.unit),
        "was " + metric(result.floatValue, result.unit) + ", "
          + Octet.change(result.floatValue, result.quantizedValue, result.unit));
    }
    for (const result of report.metrics.filter(result => number(result.floatValue) === null).slice(0, 1)) {
      tile(capital(result.name), metric(result.quantizedValue, result.unit), "same answer as the float model");
    }
    const outputs = report.outputs.filter(output => number(output.sqnrDb) !== null);
    if (outputs.length) {
      const worst = outputs.reduce((a, b) => (rank(number(b.sqnrDb)) < rank(number(a.sqnrDb)) ? b : a));
      tile("Output SQNR", decibels(worst.sqnrDb), (outputs.length > 1 ? "the lowest, of " : "of ") + worst.name);
    }
    if (layers.length) {
      const quantized = layers.filter(layer => layer.quantized).length;
      tile("Quantized", quantized + " of " + layers.length, "layers");
    }
  }

  // A list of which a long rest is folded away.
  function folded(name, noun, items) {
    const most = 20;
    const rest = items.splice(most);
    return [element("ul", {class: name}, ...items), rest.length === 0 ? "" : element("details", {},
      element("summary", {}, plural(rest.length, "more " + noun)), element("ul", {class: name}, ...rest))];
  }

  function warningList() {
    if (!warnings.length) return;
    show("warnings");
    byId("warning-list").append(...folded("warnings", "warning", warnings.map(warning => element("li", {},
      warning.where ? element("code", {}, warning.where) : "", warning.where ? ": " : "", warning.text))));
  }

  function quality() {
    const parts = [];
    if (report.metrics.length) {
      parts.push(table("Measured on both models",
        [{title: "Metric"}, {title: "Float", number: true}, {title: "Quantized", number: true}, {title: "Change", number: true}],
        report.metrics.map(result => [result.name, metric(result.floatValue, result.unit),
          metric(result.quantizedValue, result.unit), number(result.floatValue) === null ? ""
            : Octet.change(result.floatValue, result.quantizedValue, result.unit)])));
    }
    if (report.outputs.length) {
      parts.push(table("Outputs against the " + (comparison ? "first" : "float") + " model",
        [{title: "Output"}, {title: "SQNR", number: true}, {title: "Cosine", number: true}, {title: "Largest error", number: true}],
        report.outputs.map(output => [output.name, decibels(output.sqnrDb), fixed(output.cosine, 5),
          number(output.maxAbsError) === null ? "–" : significant(output.maxAbsError)])));
    }
    if (!parts.length) return;
    show("quality");
    byId("quality-tables").append(...parts);
  }

  // The tensors of a layer in the order data flows: what it reads, its weights, what it makes.
  function tensorsOf(layer) {
    const order = {input: 0, weight: 1, bias: 2, output: 3};
    return tensors
      .filter(tensor => tensor.producer === layer.node || tensor.consumers.includes(layer.node))
      .map(tensor => ({tensor, part: tensor.role === "ACTIVATION"
        ? (tensor.producer === layer.node ? "output" : "input") : tensor.role.toLowerCase()}))
      .sort((a, b) => order[a.part] - order[b.part]);
  }

  function tensorCard({tensor, part}) {
    const scales = tensor.scales;
    const scale = !scales ? null : scales.count === 1 ? significant(scales.median)
      : significant(scales.min) + " to " + significant(scales.max) + ", median " + significant(scales.median)
        + " (" + scales.count + " scales)";
    const notes = [];
    if (tensor.nanCount) notes.push(plural(tensor.nanCount, "NaN value") + " left out.");
    if (tensor.infiniteCount) notes.push(plural(tensor.infiniteCount, "infinite value") + " left out.");
    if (tensor.allZeroTensor) notes.push("Every value is zero; the scale is 1.");
    if (tensor.allZeroChannels) notes.push(plural(tensor.allZeroChannels, "channel") + " zero throughout; scale 1.");
    const card = element("article", {},
      element("h4", {}, capital(part) + ": " + tensor.name),
      element("p", {class: "muted"}, tensor.format));
    if (tensor.histogram) {
      const place = element("div", {class: "chart small"});
      card.append(place);
      histograms.push({place, tensor, chart: null});
    }
    card.append(
      figures("figures", [
        ["Observed", tensor.observed ? Octet.interval(tensor.observed) : null],
        ["Chosen", tensor.chosen ? Octet.interval(tensor.chosen) : null],
        ["Scale", scale],
        ["Zero point", tensor.zeroPoint === undefined ? null : String(tensor.zeroPoint)],
        ["SQNR", decibels(tensor.sqnrDb)],
        ["Saturated", share(tensor.saturated)],
        ["Unused codes", share(tensor.unusedCodes)],
      ]));
    if (notes.length) card.append(element("p", {class: "note-warn"}, notes.join(" ")));
    return card;
  }

  function drawHistograms() {
    for (const entry of histograms) {
      if (entry.chart) Octet.dispose(entry.chart);
      entry.chart = Octet.histogram(entry.place, entry.tensor, logarithmic);
    }
  }

  function legend(...entries) {
    return entries.filter(Boolean).map(([swatch, text]) =>
      element("li", {}, element("span", {class: "swatch " + swatch, "aria-hidden": "true"}), text));
  }

  function detail(index) {
    const layer = layers[index];
    histograms.forEach(entry => entry.chart && Octet.dispose(entry.chart));
    histograms = [];
    const parts = tensorsOf(layer);
    const body = byId("detail-body");
    body.replaceChildren(
      element("h3", {id: "detail-title"}, layer.node),
      element("p", {}, layer.opType + ", ", state(layer), layer.floatReason ? ": " + layer.floatReason : ""),
      figures("figures", [
        ["SQNR so far", decibels(layer.outputSqnrDb)],
        ["SQNR alone", decibels(layer.localSqnrDb)],
        ["Cosine", fixed(layer.cosine, 5)],
        ["Weights", layer.weightBits === undefined ? null : layer.weightBits + " bits"],
        ["Size", layer.bytesBefore || layer.bytesAfter ? bytes(layer.bytesBefore) + " → " + bytes(layer.bytesAfter) : null],
        ["Multiply-accumulates", count(layer.macs)],
      ]),
      element("div", {class: "tensors"}, ...parts.map(tensorCard)));
    if (histograms.length) {
      const box = element("input", {type: "checkbox", id: "logarithmic"});
      box.checked = logarithmic;
      box.addEventListener("change", () => { logarithmic = box.checked; drawHistograms(); });
      body.querySelector(".tensors").before(element("ul", {class: "legend histogram-legend"},
        ...legend(["band", "chosen range"], ["line", "observed range"]),
        element("li", {}, element("label", {}, box, " logarithmic counts"))));
      drawHistograms();
    }
  }

  function select(index, scroll) {
    selected = index;
    byId("picked").selectedIndex = index;
    byId("previous").disabled = index === 0;
    byId("next").disabled = index === layers.length - 1;
    if (errorChart) errorChart.update();
    detail(index);
    for (const row of byId("layer-table").querySelectorAll("tbody tr")) {
      if (Number(row.dataset.index) === index) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    byId("announcement").textContent = "Layer " + (index + 1) + ", " + layers[index].node + ", SQNR "
      + decibels(layers[index].outputSqnrDb);
    if (scroll) {
      byId("detail").scrollIntoView({block: "nearest"});
      byId("picked").focus({preventScroll: true});
    }
  }

  function error() {
    if (!layers.length) return;
    show("error");
    if (comparison) byId("error-lead").textContent = "How much signal each layer's output keeps over its difference from the "
      + "first model, in execution order. A step down marks the layer to blame.";
    byId("picked").append(...layers.map((layer, i) => element("option", {value: i}, i + 1 + ". " + layer.node)));
    byId("picked").addEventListener("change", event => select(event.target.selectedIndex, false));
    byId("previous").addEventListener("click", () => select(selected - 1, false));
    byId("next").addEventListener("click", () => select(selected + 1, false));
    if (has("outputSqnrDb")) {
      byId("error-legend").append(...legend(["quantized", "quantized"],
        layers.some(layer => !layer.quantized) && ["float", "float"],
        has("localSqnrDb") && ["alone", "this layer alone"],
        layers.some(layer => number(layer.outputSqnrDb) === Infinity) && ["exact", "up to the top: exact"]));
      errorChart = Octet.errorChart(byId("error-chart"), layers, () => selected, index => select(index, false));
    } else {
      byId("error-title").textContent = "Layer by layer";
      byId("error-lead").textContent = "Choose a layer to see its tensors.";
      byId("error-chart").remove();
    }
    // Begin where the trouble is: at the steepest step down from one layer to the next.
    const values = layers.map(layer => number(layer.outputSqnrDb));
    const step = i => (i > 0 && Number.isFinite(values[i]) && Number.isFinite(values[i - 1]) ? values[i - 1] - values[i] : -Infinity);
    select(layers.reduce((best, layer, i) => (step(i) > step(best) ? i : best), 0), false);
  }

  function glossary() {
    if (!has("localSqnrDb")) byId("about-alone").remove();
  }

  function layerTable() {
    if (!layers.length) return;
    show("layers");
    const columns = [
      {title: "#", number: true, key: (layer, i) => i, cell: (layer, i) => String(i + 1)},
      {title: "Layer", key: layer => layer.node, heading: true,
        cell: (layer, i) => element("button", {type: "button", class: "pick", onclick: () => select(i, true)}, layer.node)},
      {title: "Operator", key: layer => layer.opType, cell: layer => layer.opType},
      {title: "State", key: layer => (layer.quantized ? 1 : 0), cell: state},
      has("weightBits") && {title: "Bits", number: true, key: layer => layer.weightBits, cell: layer => String(layer.weightBits ?? "")},
      has("outputSqnrDb") && {title: "SQNR", number: true, key: layer => number(layer.outputSqnrDb),
        cell: layer => decibels(layer.outputSqnrDb)},
      has("localSqnrDb") && {title: "Alone", number: true, key: layer => number(layer.localSqnrDb),
        cell: layer => decibels(layer.localSqnrDb)},
      has("cosine") && {title: "Cosine", number: true, key: layer => number(layer.cosine), cell: layer => fixed(layer.cosine, 5)},
      sized.length && {title: "Before", number: true, key: layer => layer.bytesBefore,
        cell: layer => (layer.bytesBefore ? bytes(layer.bytesBefore) : "")},
      sized.length && {title: "After", number: true, key: layer => layer.bytesAfter,
        cell: layer => (layer.bytesAfter ? bytes(layer.bytesAfter) : "")},
      has("macs") && {title: "MACs", number: true, key: layer => layer.macs,
        cell: layer => (layer.macs === undefined ? "" : count(layer.macs))},
    ].filter(Boolean);

    const rows = layers.map((layer, i) => element("tr", {"data-index": i}, ...columns.map(column =>
      element(column.heading ? "th" : "td", column.heading ? {scope: "row"} : {class: column.number ? "number" : ""},
        column.cell(layer, i)))));
    const body = element("tbody", {}, ...rows);
    const heads = columns.map(column => element("th", {scope: "col", class: column.number ? "number" : ""},
      element("button", {type: "button", onclick: () => sort(column)}, column.title)));
    byId("layer-table").append(
      element("caption", {}, "In execution order. Activate a column heading to sort by it."),
      element("thead", {}, element("tr", {}, ...heads)), body);
    heads[0].setAttribute("aria-sort", "ascending");
    rows[selected].setAttribute("aria-current", "true");

    function sort(column) {
      const head = heads[columns.indexOf(column)];
      const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      const keys = layers.map((layer, i) => column.key(layer, i));
      const missing = key => key === undefined || key === null;
      rows.sort((a, b) => {
        const x = keys[a.dataset.index], y = keys[b.dataset.index];
        if (missing(x) || missing(y)) return missing(x) - missing(y); // unknown is last either way
        const order = typeof x === "string" ? x.localeCompare(y, "en", {numeric: true})
          : rank(x) === rank(y) ? 0 : rank(x) < rank(y) ? -1 : 1;
        return direction * order || a.dataset.index - b.dataset.index;
      });
      body.append(...rows);
    }

    function filter() {
      const wanted = byId("find").value.trim().toLowerCase(), wantedState = byId("state").value;
      let found = 0;
      for (const row of rows) {
        const layer = layers[row.dataset.index];
        const match = (layer.node + " " + layer.opType).toLowerCase().includes(wanted)
          && (wantedState === "all" || (wantedState === "quantized") === layer.quantized);
        row.hidden = !match;
        found += match;
      }
      byId("found").textContent = found === layers.length ? plural(found, "layer") : found + " of " + plural(layers.length, "layer");
    }
    byId("find").addEventListener("input", filter);
    byId("state").addEventListener("change", filter);
    filter();
  }

  function inFloat() {
    const groups = new Map();
    layers.forEach((layer, i) => {
      if (!layer.floatReason) return;
      if (!groups.has(layer.floatReason)) groups.set(layer.floatReason, []);
      groups.get(layer.floatReason).push(i);
    });
    if (!groups.size) return;
    show("float");
    for (const [reason, members] of groups) {
      byId("float-groups").append(element("div", {class: "float-group"},
        element("h3", {}, capital(reason)),
        ...folded("", "layer", members.map(i => element("li", {},
          element("button", {type: "button", class: "pick", onclick: () => select(i, true)}, layers[i].node),
          element("small", {}, " " + layers[i].opType))))));
    }
  }

  function sizes() {
    if (!sized.length) return;
    show("size");
    const most = 24;
    const rows = sized.map(layer => ({name: layer.node, before: layer.bytesBefore, after: layer.bytesAfter}))
      .sort((a, b) => b.before - a.before);
    const rest = rows.splice(most);
    if (rest.length) {
      const sum = key => rest.reduce((total, row) => total + row[key], 0);
      rows.push({name: plural(rest.length, "smaller layer"), before: sum("before"), after: sum("after")});
    }
    byId("size-lead").textContent = "Weights and biases, with the scales they now need; largest first."
      + (report.size ? " The model holds " + report.size.parameters.toLocaleString("en") + " parameters." : "");
    byId("size-legend").append(...legend(["before", "before"], ["quantized", "after"]));
    Octet.sizeChart(byId("size-chart"), rows);
  }

  function madeHow() {
    const parts = [];
    if (report.stages.length) {
      const times = report.stages.map(stage => Octet.seconds(stage.elapsed));
      const total = times.reduce((a, b) => a + b, 0);
      const stages = table("Time by stage, " + Octet.time(total) + " in all",
        [{title: "Stage"}, {title: "Time", number: true}, {title: "Share"}],
        report.stages.map((stage, i) => [stage.name, Octet.time(times[i]), element("div", {"aria-hidden": "true"})]));
      stages.querySelectorAll("td:last-child").forEach((cell, i) => {
        cell.className = "bar";
        cell.firstChild.style.width = 100 * times[i] / Math.max(...times, 1e-9) + "%";
        cell.append(element("span", {class: "visually-hidden"}, Math.round(100 * times[i] / (total || 1)) + " %"));
      });
      parts.push(stages);
    }
    if (report.data && (report.data.calibration || report.data.evaluation)) {
      parts.push(table("Samples", [{title: "Source"}, {title: "Samples", number: true}, {title: "Skipped", number: true}],
        [["Calibration", report.data.calibration], ["Evaluation", report.data.evaluation]]
          .filter(([, set]) => set)
          .map(([use, set]) => [use + ": " + set.source, set.samples.toLocaleString("en"), String(set.skipped)])));
    }
    const yaml = run.settings && run.settings.recipeYaml;
    if (!parts.length && !yaml) return;
    show("how-run");
    byId("how-run-body").append(...parts);
    if (yaml) {
      byId("how-run").append(element("details", {},
        element("summary", {}, "The recipe, " + run.settings.recipeName),
        element("pre", {tabindex: "0"}, element("code", {}, yaml))));
    }
  }

  function sections() {
    const entries = [...document.querySelectorAll("main > section[id]")].filter(section => shown.has(section.id));
    byId("sections").append(...entries.map(section =>
      element("a", {href: "#" + section.id}, section.dataset.short || section.querySelector("h2").textContent)));
    byId("footer").textContent = "Made by Octet " + run.toolVersion
      + ". This file holds everything it shows and asks the network for nothing. Charts: Chart.js (MIT).";
  }

  byId("page").hidden = false;
  Octet.setUpCharts();
  header();
  headline();
  warningList();
  quality();
  error();
  layerTable();
  glossary();
  inFloat();
  sizes();
  madeHow();
  sections();
})();
