"use strict";
// Fills the page from the data inside it.
(() => {
  const report = JSON.parse(document.getElementById("data").textContent);
  const {element, table, bytes, plural} = Octet;
  const byId = id => document.getElementById(id);
  const {rows, machine} = report;
  const sides = row => [["engine", row.engine], ["ONNX Runtime", row.onnxRuntime]];
  const compared = rows.filter(row => row.ratio !== undefined);
  const ms = value => (value < 10 ? value.toFixed(3) : value < 100 ? value.toFixed(2) : value.toFixed(1)) + " ms";
  const times = value => value.toFixed(2) + "×";
  const setting = row => "batch " + row.batch + ", " + plural(row.threads, "thread");
  const label = row => row.model + " · " + setting(row);

  // The largest difference, the noise, and how often both find the same class.
  function apart(outputs) {
    if (!outputs) return "–";
    if (outputs.misfit) return "not compared: " + outputs.misfit;
    if (outputs.largest === undefined) return "not finite";
    return [outputs.largest.toPrecision(2), outputs.sqnrDb === undefined ? "" : outputs.sqnrDb.toFixed(1) + " dB",
      outputs.sameClass === undefined ? "" : "class " + Math.floor(100 * outputs.sameClass) + " %"].filter(part => part).join(", ");
  }

  function headline() {
    const date = new Date(report.time).toLocaleString("en-GB",
      {day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short"});
    byId("run").textContent = [machine.cpu, "Octet " + machine.octet, date].join(" · ");
    const ratios = compared.map(row => row.ratio);
    if (!ratios.length) {
      byId("verdict").classList.add("unknown");
      byId("verdict-title").textContent = "Nothing to compare";
      byId("verdict-text").textContent = "No model ran on both sides.";
      return;
    }
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    const faster = ratios.filter(ratio => ratio > 1).length;
    byId("verdict").classList.add(faster === ratios.length ? "good" : mean >= 1 ? "fair" : "poor");
    byId("verdict-title").textContent = mean >= 1
      ? "The engine is " + times(mean) + " as fast"
      : "ONNX Runtime is " + times(1 / mean) + " as fast";
    byId("verdict-text").textContent = "Geometric mean over " + plural(ratios.length, "setting") + "; the engine is the faster in "
      + faster + ". Medians of " + plural(report.runs, "run") + " a side, taken in " + plural(report.rounds, "turn")
      + ", each side in a process of its own.";
    const tile = (term, row) => byId("tiles").append(element("div", {},
      element("dt", {}, term),
      element("dd", {class: "figure"}, times(row.ratio)),
      element("dd", {class: "note"}, label(row))));
    const by = compared.slice().sort((a, b) => a.ratio - b.ratio);
    tile("Best for the engine", by[by.length - 1]);
    if (by.length > 1) tile("Best for ONNX Runtime", by[0]);
  }

  const line = {
    id: "same",
    afterDatasetsDraw(chart) {
      const {ctx, chartArea: area, scales: {x}} = chart;
      const pixel = x.getPixelForValue(1);
      ctx.save();
      ctx.fillStyle = Octet.colour("ink");
      ctx.fillRect(pixel - 0.75, area.top, 1.5, area.height);
      ctx.restore();
    },
  };

  // The figure at the end of each bar.
  const figures = {
    id: "figures",
    afterDatasetsDraw(chart) {
      const {ctx} = chart;
      ctx.save();
      ctx.fillStyle = Octet.colour("ink");
      ctx.font = "600 13px system-ui, sans-serif";
      ctx.textBaseline = "middle";
      ctx.strokeStyle = Octet.colour("paper"); // so that the line at 1 does not cross a figure
      ctx.lineWidth = 4;
      ctx.lineJoin = "round";
      chart.getDatasetMeta(0).data.forEach((bar, i) => {
        ctx.strokeText(times(compared[i].ratio), bar.x + 6, bar.y);
        ctx.fillText(times(compared[i].ratio), bar.x + 6, bar.y);
      });
      ctx.restore();
    },
  };

  function speed() {
    if (!compared.length) return;
    byId("speed").hidden = false;
    const container = byId("speed-chart");
    container.style.height = 48 + 34 * compared.length + "px";
    const narrow = () => container.clientWidth < 560;
    const colour = i => (compared[i].ratio >= 1 ? "quantized" : "float");
    Octet.draw(container, "Bar chart of speed ratios. The same figures are in the table of times.", {
      type: "bar",
      data: {labels: compared.map(label), datasets: [{
        data: compared.map(row => row.ratio),
        backgroundColor: context => Octet.tint(colour(context.dataIndex), 0.75),
        hoverBackgroundColor: context => Octet.colour(colour(context.dataIndex)),
        borderRadius: 3,
        categoryPercentage: 0.8,
        barPercentage: 1,
      }]},
      options: {
        indexAxis: "y",
        layout: {padding: {right: 56}},
        scales: {
          x: Octet.axis("times as fast as ONNX Runtime", {beginAtZero: true,
            suggestedMax: 1.2, ticks: {color: () => Octet.colour("muted"), callback: value => value + "×"}}),
          y: Octet.axis("", {grid: {display: false}, ticks: {color: () => Octet.colour("ink"), autoSkip: false,
            callback: (value, i) => (narrow()
              ? Octet.short(compared[i].model, 18) + " " + compared[i].batch + "/" + compared[i].threads
              : Octet.short(compared[i].model, 36) + " · " + setting(compared[i]))}}),
        },
        plugins: {tooltip: {callbacks: {
          title: items => label(compared[items[0].dataIndex]),
          label: item => {
            const row = compared[item.dataIndex];
            return ["engine " + ms(row.engine.timing.medianMs), "ONNX Runtime " + ms(row.onnxRuntime.timing.medianMs)];
          },
        }}},
      },
      plugins: [line, figures],
    });
  }

  function tables() {
    const median = side => (side.timing ? ms(side.timing.medianMs) : "–");
    const spread = side => (side.timing ? ms(side.timing.p10Ms) + " to " + ms(side.timing.p90Ms) : "–");
    byId("times").append(table("Medians, and the span of the middle eight tenths of the runs", [
      {title: "Model"}, {title: "Setting"}, {title: "Engine", number: true}, {title: "p10 to p90", number: true},
      {title: "ONNX Runtime", number: true}, {title: "p10 to p90", number: true}, {title: "Ratio", number: true},
      {title: "Outputs apart"},
    ], rows.map(row => [row.model, setting(row), median(row.engine), spread(row.engine), median(row.onnxRuntime),
      spread(row.onnxRuntime), row.ratio === undefined ? "–" : times(row.ratio), apart(row.outputs)])));

    const timed = rows.flatMap(row => sides(row).filter(([, side]) => side.timing).map(([name, side]) => [row, name, side.timing]));
    if (timed.length) {
      byId("starts-section").hidden = false;
      byId("starts").append(table("Of each process", [
        {title: "Model"}, {title: "Setting"}, {title: "Side"}, {title: "Loading", number: true}, {title: "First run", number: true},
        {title: "Peak memory", number: true},
      ], timed.map(([row, name, timing]) => [row.model, setting(row), name, ms(timing.loadMs), ms(timing.firstRunMs),
        timing.peakBytes === undefined ? "–" : bytes(timing.peakBytes)])));
    }

    const refused = rows.flatMap(row => sides(row).filter(([, side]) => side.refused).map(([name, side]) => [row, name, side.refused]));
    if (refused.length) {
      byId("refused-section").hidden = false;
      byId("refused").append(table("Why", [{title: "What"}, {title: "Reason"}],
        refused.map(([row, name, reason]) => [label(row) + " · " + name, reason])));
    }

    const inputs = [...new Set(rows.flatMap(row => row.inputs.map(input => row.model + ": " + input)))];
    byId("machine").append(table("Machine and versions", [{title: "What"}, {title: "Which"}], [
      ["CPU", machine.cpu], ["Cores that the process may use", String(machine.cores)],
      ["Instruction sets", machine.instructionSets.join(", ") || "not told by the system"], ["System", machine.system],
      ["Java", machine.java], ["Engine", machine.engine], ["ONNX Runtime", machine.onnxRuntime], ["Octet", machine.octet],
      ...inputs.map(input => ["Input", input]),
    ]));
  }

  byId("page").hidden = false; // charts need to know their size
  Octet.setUpCharts();
  headline();
  speed();
  tables();
  byId("footer").textContent = "Made by Octet " + machine.octet
    + ". This file holds everything it shows and asks the network for nothing. Charts: Chart.js (MIT).";
})();
