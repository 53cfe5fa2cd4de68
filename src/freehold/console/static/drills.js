// SPDX-License-Identifier: Apache-2.0
// Runs a drill and draws it while it runs. What is drawn is what is told so far; the scorecard is made of the record.
import { element, follow, problemNotice, wake } from "./api.js";

const WIDTH = 1000;
const HEIGHT = 150;
const COLOURS = 6;
const APART = 24;

const form = document.getElementById("run");
const stop = document.getElementById("stop");
const live = document.getElementById("live");
const outcome = document.getElementById("outcome");
const at = (id) => document.getElementById(id);

// What is known of the drill: seconds by their number, and targets in the order in which they came to answer.
class Watched {
  seconds = new Map();
  targets = [];
  told = null;

  take(drill) {
    this.told = drill;
    for (const second of drill.seconds) {
      this.seconds.set(second.at_s, second);
      for (const name of Object.keys(second.answered)) if (!this.targets.includes(name)) this.targets.push(name);
    }
  }

  series(second) {
    const answered = this.targets.map((name, place) => [`series-${(place % COLOURS) + 1}`, second.answered[name] ?? 0, name]);
    const known = answered.reduce((sum, [, count]) => sum + count, second.not_answered);
    return [...answered, ["series-0", second.not_answered, "not answered"], ["series-open", second.began - known, "not over yet"]];
  }

  count(name) {
    return [...this.seconds.values()].reduce((sum, second) => sum + (second.answered[name] ?? 0), 0);
  }
}

function picture(watched) {
  const { told, seconds } = watched;
  const length = Math.max(Math.ceil(told.duration_s), ...[...seconds.keys()].map((second) => second + 1), 1);
  const peak = Math.max(1, ...[...seconds.values()].map((second) => second.began));
  const width = WIDTH / length;
  const label = `${told.made} calls made, ${told.ended} ended, after ${told.at_s} of ${told.duration_s} seconds`;
  const svg = element("svg", { class: "timeline", viewBox: `0 -18 ${WIDTH} ${HEIGHT + 22}`, role: "img", "aria-label": label });
  svg.append(element("line", { class: "edge", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }));
  for (const second of seconds.values()) {
    let y = HEIGHT;
    for (const [kind, count] of watched.series(second)) {
      const height = (count * HEIGHT) / peak;
      y -= height;
      if (count > 0) svg.append(element("rect", { class: kind, x: second.at_s * width, y, width: Math.max(1, width * 0.85), height }));
    }
  }
  let above = null; // the number over the line before: what happens at once shares it
  told.happened.forEach((step, number) => {
    const x = Math.min(step.at_s * width, WIDTH);
    const line = element("line", { x1: x, x2: x, y1: 0, y2: HEIGHT });
    if (above && x - Number(above.getAttribute("x")) < APART) above.textContent += `, ${number + 1}`;
    else above = element("text", { class: "axis middle", x, y: -5 }, String(number + 1));
    svg.append(element("g", { class: "mark-at" }, line, above));
  });
  const now = Math.min(told.at_s * width, WIDTH);
  svg.append(element("line", { class: "edge", x1: now, x2: now, y1: 0, y2: HEIGHT }));
  return svg;
}

function legend(watched) {
  const rows = watched.targets.map((name, place) => [`series-${(place % COLOURS) + 1}`, name, watched.count(name)]);
  rows.push(["series-0", "not answered", [...watched.seconds.values()].reduce((sum, second) => sum + second.not_answered, 0)]);
  rows.push(["series-open", "not over yet", watched.told.made - watched.told.ended]);
  return rows.map(([kind, name, count]) => {
    const swatch = element("svg", { class: "swatch", viewBox: "0 0 12 12", "aria-hidden": "true" }, element("rect", { class: kind, width: 12, height: 12, rx: 2 }));
    return element("li", {}, swatch, `${name} `, element("b", {}, String(count)));
  });
}

function show(watched) {
  const { told } = watched;
  at("live-counts").textContent = `${told.at_s.toFixed(1)} of ${told.duration_s} s · ${told.made} of ${told.calls} calls made · ${told.ended} ended`;
  at("live-picture").replaceChildren(picture(watched));
  at("live-legend").replaceChildren(...legend(watched));
  const happened = at("live-happened"); // what is added is read out; what is there stays
  for (const step of told.happened.slice(happened.children.length))
    happened.append(element("li", {}, element("span", { class: "mono" }, `${step.at_s.toFixed(1)} s`), ` ${step.what}`));
}

function asked() {
  const given = form.elements;
  return {
    scenario: given.scenario.value,
    service: given.service.value || null,
    traffic: given.traffic.value,
    requests: Number(given.requests.value),
    simulated: given.simulated.checked,
    kill_engine: given.kill_engine.checked,
  };
}

function over(drill) {
  const link = element("a", { href: `/console/drills/${encodeURIComponent(drill.id)}`, class: "button primary" }, "Read the scorecard");
  const words = element("p", {}, element("b", {}, drill.passed ? "The drill is over: passed. " : "The drill is over: not passed. "), `${drill.calls.answered} of ${drill.calls.made} calls were answered whole.`);
  outcome.replaceChildren(element("div", { class: `notice ${drill.passed ? "good" : "bad"}` }, element("div", {}, words, link)));
  link.focus();
}

async function run() {
  const watched = new Watched();
  const ending = new AbortController();
  const leave = () => ending.abort();
  form.querySelector("button.primary").disabled = true;
  outcome.replaceChildren();
  at("live-happened").replaceChildren();
  stop.hidden = live.hidden = false;
  at("live-head").textContent = "Under way";
  stop.addEventListener("click", leave);
  addEventListener("pagehide", leave);
  at("live-head").focus();
  try {
    const { drill } = await follow("POST", "drills", { body: asked(), signal: ending.signal }, (progress) => {
      if (!progress.event?.drill) return;
      watched.take(progress.event.drill);
      show(watched);
    });
    over(drill);
  } catch (problem) {
    if (ending.signal.aborted) problem = { message: "It was stopped: its calls are cut, and nothing of it stays in force.", hint: "", code: "" };
    outcome.replaceChildren(problemNotice(problem, "The drill has no scorecard"));
  } finally {
    stop.removeEventListener("click", leave);
    removeEventListener("pagehide", leave);
    stop.hidden = true;
    at("live-head").textContent = "As its callers saw it";
    form.querySelector("button.primary").disabled = false;
  }
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
if (form) wake(form);
