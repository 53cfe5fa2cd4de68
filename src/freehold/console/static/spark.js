// SPDX-License-Identifier: Apache-2.0
// A small chart over time, drawn by uPlot in the page's own colours, with its newest value in words beside it.
import uPlot from "./vendor/uplot.js";

const HEIGHT = 58;
const SPAN_S = 900;
const LEAST_S = 60;

function colour(token) {
  const probe = document.createElement("i");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color; // light-dark() resolved
  probe.remove();
  return found;
}

export class Spark {
  // figure: a .chart with figcaption b and .plot; show(value) gives the words for a value.
  constructor(figure, { token, show, bars = false, least = 1 }) {
    this.figure = figure;
    this.plot = figure.querySelector(".plot");
    this.words = figure.querySelector("figcaption b");
    this.label = figure.querySelector("figcaption span").textContent;
    this.options = { token, show, bars, least };
    this.data = [[], []];
    this.draw();
    new ResizeObserver(() => this.chart?.setSize({ width: this.plot.clientWidth, height: HEIGHT })).observe(this.plot);
    document.addEventListener("theme", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  draw() {
    this.chart?.destroy();
    const { token, show, bars, least } = this.options;
    const stroke = colour(token);
    const soft = colour("--soft");
    const line = colour("--line");
    this.chart = new uPlot({
      width: this.plot.clientWidth,
      height: HEIGHT,
      padding: [4, 2, 4, 0],
      legend: { show: false },
      cursor: {
        y: false, drag: { x: false, y: false }, points: { size: 6 }, sync: { key: "now" },
        bind: { mousedown: () => null, mouseup: () => null, click: () => null, dblclick: () => null },
      },
      hooks: { setCursor: [(chart) => this.tell(chart.cursor.idx)] },
      scales: {
        x: { time: false, range: (_, first, last) => [Math.min((last ?? 0) - LEAST_S, Math.max(first ?? 0, (last ?? 0) - SPAN_S)), last ?? 0] },
        y: { range: (_, low, high) => [0, Math.max(high ?? 0, least) * 1.05] },
      },
      axes: [
        { show: false },
        {
          size: 34, gap: 4, stroke: soft, font: "11px system-ui, sans-serif", ticks: { show: false },
          grid: { stroke: line, width: 1 },
          splits: (chart) => [0, chart.scales.y.max / 1.05],
          values: (_, splits) => splits.map((value) => show(value, true)),
        },
      ],
      series: [
        {},
        bars
          ? { stroke, fill: stroke, width: 0, paths: uPlot.paths.bars({ size: [0.7, 6, 1] }), points: { show: false } }
          : { stroke, width: 1.5, fill: stroke.replace("rgb(", "rgba(").replace(")", ", 0.12)"), spanGaps: false, points: { size: 3, fill: stroke } },
      ],
    }, this.data, this.plot);
  }

  set(at, values) {
    this.data = [at, values];
    this.chart.setData(this.data);
    this.tell(null);
    const known = values.filter((value) => value !== null);
    const { show } = this.options;
    this.plot.setAttribute("aria-label", known.length
      ? `${this.label}, last ${Math.round((at.at(-1) - at[0]) / 60)} minutes: at most ${show(Math.max(...known))}, last ${show(known.at(-1))}`
      : `${this.label}: nothing measured yet`);
  }

  tell(index) {
    const values = this.data[1];
    const value = index === null || index === undefined ? values.findLast((one) => one !== null) : values[index];
    this.words.textContent = value === null || value === undefined ? "–" : this.options.show(value);
  }
}
