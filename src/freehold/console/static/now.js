// SPDX-License-Identifier: Apache-2.0
// Keeps the page Now true: figures, charts, and who answers. Asks the admin API; stops while nobody looks.
import { api, badge, element, icon, page, problemNotice } from "./api.js";
import { Spark } from "./spark.js";

const ASK_MS = 2500;
const CLOCK_S = 120;
const thousands = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const number = (value) => (value >= 100 ? thousands.format(value).replaceAll(",", " ") : String(Math.round(value * 10) / 10));
const short = (value) => (value >= 10000 ? `${Math.round(value / 1000)}k` : value >= 1000 ? `${Math.round(value / 100) / 10}k` : number(value));
const shown = (value, brief) => (brief ? short(value) : number(value));
const ms = (value, brief) => (brief ? (value >= 1000 ? `${Math.round(value / 100) / 10}s` : short(value)) : value >= 1000 ? `${number(value / 1000)} s` : `${number(value)} ms`);

// what a chart draws of a service's columns
const MEASURES = {
  calls: { token: "--one", show: shown, of: (one, step) => one.calls.map((count) => (count * 60) / step) },
  errors: { token: "--bad", show: shown, bars: true, of: (one) => one.refused.map((count, at) => count + one.failed[at]) },
  tokens: { token: "--three", show: shown, of: (one, step) => one.output_tokens.map((count) => count / step) },
  first: { token: "--four", show: ms, least: 10, of: (one) => one.first_median_s.map((value) => (value === null ? null : value * 1000)) },
};
const COLUMNS = ["calls", "refused", "failed", "input_tokens", "output_tokens", "first_median_s", "first_95_s"];

const charts = new Map();
const history = { at: [], services: new Map() };
let since = 0;

function keep(activity) {
  if (activity.at_unix.length === 0) return;
  if (history.at.length && activity.at_unix[0] <= history.at.at(-1)) { // the estate's clock was set back
    history.at = [];
    history.services.clear();
  }
  const before = history.at.length;
  history.at.push(...activity.at_unix);
  for (const one of activity.services) {
    if (!history.services.has(one.service))
      history.services.set(one.service, Object.fromEntries(COLUMNS.map((name) => [name, Array(before).fill(name.startsWith("first") ? null : 0)])));
    for (const name of COLUMNS) history.services.get(one.service)[name].push(...one[name]);
  }
  const most = Math.ceil(activity.kept_s / activity.step_s);
  const old = history.at.length - most;
  if (old > 0) {
    history.at.splice(0, old);
    for (const one of history.services.values()) for (const name of COLUMNS) one[name].splice(0, old);
  }
  since = history.at.at(-1);
}

function draw(step) {
  for (const card of document.querySelectorAll("[data-service]")) {
    const name = card.dataset.service;
    const columns = history.services.get(name);
    if (!columns) continue;
    for (const figure of card.querySelectorAll("[data-measure]")) {
      const { of, ...options } = MEASURES[figure.dataset.measure];
      const key = `${name} ${figure.dataset.measure}`;
      if (!charts.has(key)) charts.set(key, new Spark(figure, options));
      charts.get(key).set(history.at, of(columns, step));
    }
  }
}

const put = (figure, words) => {
  const cell = document.querySelector(`[data-figure="${figure}"]`);
  if (cell.textContent !== words) cell.textContent = words;
};

// Over the last minute, of all services.
function figures(step) {
  const steps = Math.min(history.at.length, Math.round(60 / step));
  if (steps === 0) return;
  const all = [...history.services.values()];
  const total = (name) => all.flatMap((one) => one[name].slice(-steps)).reduce((sum, value) => sum + value, 0);
  const minutes = (steps * step) / 60;
  put("calls", number(total("calls") / minutes));
  put("errors", number(total("refused") + total("failed")));
  put("tokens", number(total("output_tokens") / (steps * step)));
  const first = all.flatMap((one) => one.first_median_s.slice(-steps)).filter((value) => value !== null);
  put("first", first.length ? ms(first.toSorted((a, b) => a - b)[Math.floor(first.length / 2)] * 1000) : "–");
}

function targets(activity) {
  const known = new Map(activity.targets.map((one) => [one.target, one]));
  let flight = 0;
  for (const row of document.querySelectorAll("[data-target]")) {
    const one = known.get(row.dataset.target);
    if (!one) continue;
    flight += one.calls;
    row.querySelector("[data-work]").textContent = number(one.calls);
    row.querySelector("[data-queue]").textContent = number(one.queue);
  }
  put("flight", number(flight));
}

function answering(services) {
  for (const service of services) {
    const card = document.querySelector(`[data-service="${CSS.escape(service.name)}"]`);
    if (!card || card.dataset.told === JSON.stringify([service.answered_by, service.then])) continue;
    card.dataset.told = JSON.stringify([service.answered_by, service.then]);
    const one = service.targets.find((target) => target.target === service.answered_by);
    const who = one && one.kind !== "engine" ? ` · ${one.operator} (${one.authorities.join(", ") || "authorities not established"})` : "";
    const now = one
      ? [icon(one.kind === "engine" ? "engine" : "provider"), element("b", {}, one.target), " ", element("span", { class: "soft" }, one.model + who)]
      : [badge("nobody answers", "bad")];
    card.querySelector("[data-now]").replaceChildren(...now);
    const then = service.then.length
      ? `If it left: ${service.then.join(", then ")}`
      : element("span", { class: "stops" }, one ? "If it left, nobody would answer" : "No target is fit to answer");
    card.querySelector("[data-then]").replaceChildren(then);
  }
}

function states(told) {
  for (const [target, state] of Object.entries(told.states)) {
    const cell = document.querySelector(`[data-target="${CSS.escape(target)}"] [data-state]`);
    if (cell && cell.textContent !== state) cell.replaceChildren(badge(state));
  }
  if (told.size) put("record", thousands.format(told.size).replaceAll(",", " "));
}

const UNKNOWN = "The state of the estate cannot be shown";

function troubles(told) {
  const place = document.getElementById("troubles");
  const due = [...(told.problem ? [UNKNOWN] : []), ...told.troubles.map((one) => one.what)].map((what) => `${what}.`);
  const drawn = [...place.querySelectorAll("b")].map((what) => what.textContent.trim());
  if (JSON.stringify(drawn) === JSON.stringify(due)) return; // said once to whoever listens
  const notices = told.troubles.map((one) => {
    const link = one.href ? [" ", element("a", { href: one.href }, one.link)] : [];
    const words = [element("p", {}, element("b", {}, `${one.what}.`), ...link)];
    if (one.more) words.push(element("p", { class: "soft" }, one.more));
    return element("div", { class: `notice ${one.tone}`, role: "status" }, icon(one.tone === "bad" ? "bad" : "warn"), element("div", {}, ...words));
  });
  if (told.problem) notices.unshift(problemNotice({ message: told.problem }, UNKNOWN));
  place.replaceChildren(...notices);
}

function clock(activity) {
  const apart = activity.now_unix - Date.now() / 1000;
  const wrong = activity.clock || (Math.abs(apart) > CLOCK_S
    ? `The estate's clock is ${Math.round(Math.abs(apart) / 60)} minutes ${apart < 0 ? "behind" : "ahead of"} this browser's`
    : "");
  const place = document.getElementById("clock");
  if (place.dataset.told === wrong) return;
  place.dataset.told = wrong;
  const words = element("div", {}, element("p", {}, element("b", {}, `${wrong}.`)), element("p", { class: "soft" }, "Every record bears the estate's time. Set the clock that is wrong."));
  place.replaceChildren(...(wrong ? [element("div", { class: "notice mid", role: "status" }, words)] : []));
}

function live(state, words) {
  const place = document.getElementById("live");
  place.dataset.state = state;
  place.lastElementChild.textContent = words;
}

let turn = 0;

async function look() {
  if (document.hidden) return;
  try {
    const { activity } = await api("GET", `activity?since=${since}`, { background: true });
    keep(activity);
    draw(activity.step_s);
    figures(activity.step_s);
    targets(activity);
    clock(activity);
    if (turn++ % 2 === 0) {
      const told = await page("/console/now/again");
      answering(told.services);
      states(told);
      troubles(told);
    }
    live("live", `Live, ${activity.now.slice(11, 19)} UTC`);
  } catch {
    live("lost", "The estate does not answer; what is shown is old");
  }
}

async function keepLooking() {
  await look();
  setTimeout(keepLooking, ASK_MS);
}

document.addEventListener("visibilitychange", look);
keepLooking();
