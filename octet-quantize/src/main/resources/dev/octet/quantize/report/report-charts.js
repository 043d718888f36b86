"use strict";
// The charts. Each function fills a container and returns a Chart; colours are read when drawing, so that a change of
// theme or printing needs only another update.
Octet.charts = new Set();

Octet.colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

Octet.tint = (name, alpha) => {
  const hex = Octet.colour(name);
  const part = at => parseInt(hex.slice(at, at + 2), 16);
  return "rgba(" + part(1) + "," + part(3) + "," + part(5) + "," + alpha + ")";
};

Octet.draw = (container, label, config) => {
  const canvas = Octet.element("canvas", {role: "img", "aria-label": label});
  container.replaceChildren(canvas);
  const chart = new Chart(canvas, config);
  Octet.charts.add(chart);
  return chart;
};

Octet.dispose = chart => {
  Octet.charts.delete(chart);
  chart.destroy();
};

Octet.axis = (title, more) => Object.assign({
  border: {display: false},
  grid: {color: () => Octet.colour("grid")},
  ticks: {color: () => Octet.colour("muted"), maxRotation: 0},
  title: {display: Boolean(title), text: title, color: () => Octet.colour("muted")},
}, more);

// Any name fits a tick or a tooltip when its middle is left out.
Octet.short = (name, length) =>
  name.length <= length ? name : name.slice(0, length / 2 - 1) + "…" + name.slice(1 - length / 2);

// Where room is scarce the end of a name tells layers apart.
Octet.ending = (name, length) => (name.length <= length ? name : "…" + name.slice(1 - length));

Octet.errorChart = (container, layers, selected, pick) => {
  const values = layers.map(layer => Octet.number(layer.outputSqnrDb));
  const alone = layers.map(layer => Octet.number(layer.localSqnrDb));
  const finite = values.concat(alone).filter(Number.isFinite);
  const top = finite.length ? Math.max(...finite) : 50;
  // Exact layers have no height of their own: they reach the ceiling.
  const height = value => (value === Infinity ? top + 8 : Number.isFinite(value) ? value : null);
  const fill = i => layers[i].quantized
    ? Octet.tint("quantized", i === selected() ? 1 : 0.55)
    : Octet.tint("float", i === selected() ? 0.5 : 0.08);
  const datasets = [{
    data: values.map(height),
    backgroundColor: context => fill(context.dataIndex),
    hoverBackgroundColor: context => fill(context.dataIndex),
    borderColor: context => Octet.colour(layers[context.dataIndex].quantized ? "quantized" : "float"),
    borderWidth: context => (layers[context.dataIndex].quantized && context.dataIndex !== selected() ? 0 : 1.5),
    borderRadius: 2,
    categoryPercentage: 1,
    barPercentage: layers.length > 150 ? 1 : 0.8,
    minBarLength: 2,
    order: 2,
  }];
  if (alone.some(value => value !== null)) {
    datasets.push({
      type: "line", showLine: false, data: alone.map(height), pointStyle: "rectRot", pointRadius: layers.length > 80 ? 3 : 4.5,
      pointHoverRadius: 5, pointBackgroundColor: () => Octet.colour("paper"), pointBorderColor: () => Octet.colour("ink"),
      pointBorderWidth: 1.5, order: 1,
    });
  }
  const measured = values.filter(value => value !== null);
  const lowest = values.indexOf(Math.min(...measured));
  const label = "Bar chart of SQNR for " + Octet.plural(layers.length, "layer") + " in execution order. "
    + (lowest >= 0 ? "Lowest: " + layers[lowest].node + " with " + Octet.decibels(values[lowest]) + ". " : "")
    + "The same figures are in the table of layers.";
  return Octet.draw(container, label, {
    type: "bar",
    data: {labels: layers.map(layer => layer.node), datasets},
    options: {
      interaction: {mode: "index", intersect: false},
      onClick: (event, hits) => { if (hits.length) pick(hits[0].index); },
      onHover: (event, hits) => { event.native.target.style.cursor = hits.length ? "pointer" : "default"; },
      scales: {
        x: Octet.axis("", {grid: {display: false}, ticks: {display: false}}),
        y: Octet.axis("SQNR (dB)", Object.assign({beginAtZero: true,
          ticks: {color: () => Octet.colour("muted"), includeBounds: false}}, values.includes(Infinity) ? {max: top + 8} : {})),
      },
      plugins: {tooltip: {callbacks: {
        title: items => Octet.short(layers[items[0].dataIndex].node, 60),
        label: item => item.datasetIndex === 0
          ? layers[item.dataIndex].opType + ", " + (layers[item.dataIndex].quantized ? "quantized" : "float")
            + ": " + Octet.decibels(values[item.dataIndex])
          : "alone: " + Octet.decibels(alone[item.dataIndex]),
      }}},
    },
  });
};

// Behind a histogram: a band over the chosen range, dashed lines at the ends of the observed one.
Octet.rangeMarks = tensor => ({
  id: "ranges",
  beforeDatasetsDraw(chart) {
    const {ctx, chartArea: area, scales: {x}} = chart;
    const at = value => Math.min(Math.max(x.getPixelForValue(value), area.left), area.right);
    ctx.save();
    if (tensor.chosen) {
      const left = at(Octet.number(tensor.chosen.min)), right = at(Octet.number(tensor.chosen.max));
      ctx.fillStyle = Octet.tint("quantized", 0.12);
      ctx.fillRect(left, area.top, right - left, area.height);
      ctx.fillStyle = Octet.colour("quantized");
      ctx.fillRect(left - 1, area.top, 2, area.height);
      ctx.fillRect(right - 1, area.top, 2, area.height);
    }
    ctx.restore();
  },
  afterDatasetsDraw(chart) {
    if (!tensor.observed) return;
    const {ctx, chartArea: area, scales: {x}} = chart;
    ctx.save();
    ctx.strokeStyle = Octet.colour("observed");
    ctx.lineWidth = 1.5;
    ctx.setLineDash([4, 3]);
    for (const end of [tensor.observed.min, tensor.observed.max]) {
      const pixel = x.getPixelForValue(Octet.number(end));
      ctx.beginPath();
      ctx.moveTo(pixel, area.top);
      ctx.lineTo(pixel, area.bottom);
      ctx.stroke();
    }
    ctx.restore();
  },
});

Octet.histogram = (container, tensor, logarithmic) => {
  const bins = tensor.histogram;
  const low = Octet.number(bins.lowerEdge), width = Octet.number(bins.binWidth);
  const ends = [low, low + width * bins.counts.length];
  for (const interval of [tensor.chosen, tensor.observed]) {
    if (interval) ends.push(Octet.number(interval.min), Octet.number(interval.max));
  }
  const finite = ends.filter(Number.isFinite);
  const min = Math.min(...finite), max = Math.max(...finite), margin = (max - min) * 0.02;
  const label = "Histogram of " + tensor.name + ". Observed " + Octet.interval(tensor.observed)
    + ", chosen " + Octet.interval(tensor.chosen) + ".";
  return Octet.draw(container, label, {
    type: "bar",
    data: {datasets: [{
      data: bins.counts.map((count, i) => ({x: low + (i + 0.5) * width, y: logarithmic && count === 0 ? null : count})),
      backgroundColor: () => Octet.tint("ink", 0.62),
      categoryPercentage: 1,
      barPercentage: 0.96,
    }]},
    options: {
      interaction: {mode: "nearest", axis: "x", intersect: false},
      scales: {
        x: Octet.axis("", {type: "linear", offset: false, min: min - margin, max: max + margin, grid: {display: false},
          ticks: {color: () => Octet.colour("muted"), maxRotation: 0, maxTicksLimit: 7, includeBounds: false,
            callback: value => Octet.significant(Number(value.toPrecision(6)))}}),
        y: Octet.axis("", {type: logarithmic ? "logarithmic" : "linear", min: logarithmic ? 0.8 : 0, display: false}),
      },
      plugins: {tooltip: {callbacks: {
        title: () => "",
        label: item => {
          const from = low + item.dataIndex * width;
          return Octet.count(bins.counts[item.dataIndex]) + " values from " + Octet.significant(from)
            + " to " + Octet.significant(from + width);
        },
      }}},
    },
    plugins: [Octet.rangeMarks(tensor)],
  });
};

Octet.sizeChart = (container, rows) => {
  container.style.height = 60 + rows.length * 30 + "px";
  const bar = (key, colour) => ({
    data: rows.map(row => row[key]), backgroundColor: () => Octet.colour(colour), borderRadius: 2, categoryPercentage: 0.75,
    barPercentage: 0.95,
  });
  const label = "Bar chart of the bytes of each layer's weights before and after. The same figures are in the table of layers.";
  return Octet.draw(container, label, {
    type: "bar",
    data: {labels: rows.map(row => row.name), datasets: [bar("before", "before"), bar("after", "quantized")]},
    options: {
      indexAxis: "y",
      interaction: {mode: "index", axis: "y", intersect: false},
      scales: {
        x: Octet.axis("", {ticks: {color: () => Octet.colour("muted"), maxTicksLimit: 6, callback: value => Octet.bytes(value)}}),
        y: Octet.axis("", {grid: {display: false}, ticks: {color: () => Octet.colour("ink"), autoSkip: false,
          callback: (value, i) => Octet.ending(rows[i].name, window.innerWidth < 560 ? 18 : 40)}}),
      },
      plugins: {tooltip: {callbacks: {
        title: items => Octet.short(rows[items[0].dataIndex].name, 60),
        label: item => (item.datasetIndex ? "after: " : "before: ") + Octet.bytes(item.raw),
      }}},
    },
  });
};

Octet.setUpCharts = () => {
  Object.assign(Chart.defaults, {animation: false, responsive: true, maintainAspectRatio: false});
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;
  Chart.defaults.plugins.legend.display = false;
  Chart.defaults.plugins.tooltip.displayColors = false;
  const redraw = () => { for (const chart of Octet.charts) { chart.resize(); chart.update(); } };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("print").addEventListener("change", redraw);
};
