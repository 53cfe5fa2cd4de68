// SPDX-License-Identifier: Apache-2.0
// The admin API from a page, as the signed-in operator; and making elements without ever parsing HTML.

const ROOT = "/admin/v1/";
const PATIENCE_MS = 10_000; // of what a page asks by itself: a process that is stuck takes every question, and answers none

// What the API said no with: code, message, hint, status; for a conflict also etag and changed.
export class Problem extends Error {
  constructor(status, body) {
    const said = body?.detail ?? body?.error?.message ?? `the console's server answered ${status}`;
    super(said);
    this.status = status;
    this.code = body?.code ?? body?.error?.code ?? "internal_error";
    this.hint = body?.hint ?? body?.error?.hint ?? "";
    this.body = body ?? {};
  }
}

function request(method, { body, ifMatch, signal, background }) {
  const headers = { accept: "application/json", "x-freehold-csrf": document.querySelector('meta[name="csrf"]').content };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (ifMatch) headers["if-match"] = ifMatch;
  if (background) headers["x-freehold-background"] = "1"; // not a person's doing: it keeps no session alive
  const given = signal ?? (background ? AbortSignal.timeout(PATIENCE_MS) : undefined);
  return { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: given, cache: "no-store" };
}

async function asked(method, path, options) {
  const answer = await fetch(path, request(method, options));
  if (answer.status === 401) {
    location.assign("/console/sign-in?to=" + encodeURIComponent(location.pathname + location.search));
    throw new Problem(401, { detail: "the session has ended", code: "invalid_operator_token" });
  }
  if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => null));
  return answer;
}

// What only a script can do cannot be asked for before the script is there.
export function wake(form) {
  for (const button of form.querySelectorAll("[data-wakes]")) button.disabled = false;
}

// One answer. options: body (to be JSON), ifMatch (an etag), signal (to give up), background (a script asks by itself).
// Throws Problem.
export async function api(method, path, options = {}) {
  return (await asked(method, ROOT + path, options)).json();
}

// What a page tells its own script, by its whole path, asked for again and again. Throws Problem.
export async function page(path) {
  const answer = await asked("GET", path, { background: true });
  if (answer.redirected) location.reload(); // the session has ended
  return answer.json();
}

// A long operation: tell(progress) for each line of progress, and the result. Throws Problem.
export async function follow(method, path, options = {}, tell = () => {}) {
  const answer = await asked(method, ROOT + path, options);
  if (!answer.headers.get("content-type").startsWith("application/x-ndjson")) return answer.json();
  for await (const line of lines(answer.body)) {
    const told = JSON.parse(line);
    if ("progress" in told) tell(told.progress);
    else if ("result" in told) return told.result;
    else throw new Problem(told.error.status ?? 500, told.error);
  }
  throw new Problem(503, { detail: "the answer broke off", code: "estate_error" });
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const pieces = (rest + part.value).split("\n");
    rest = pieces.pop();
    yield* pieces.filter((piece) => piece !== "");
  }
  if (rest !== "") yield rest;
}

const SVG = new Set(["svg", "path", "line", "rect", "circle", "g", "text", "polyline", "title"]);

// An element with attributes and children; strings become text, never HTML.
export function element(tag, attributes = {}, ...children) {
  const made = SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// A refusal or a fault, as a notice for a page.
export function problemNotice(problem, what = "Not done") {
  const rows = [element("p", {}, element("b", {}, `${what}. `), problem.message)];
  if (problem.hint) rows.push(element("p", { class: "soft" }, problem.hint));
  if (problem.code) rows.push(element("p", { class: "soft" }, element("code", {}, problem.code)));
  return element("div", { class: "notice bad", role: "alert" }, element("div", {}, ...rows));
}

// A state in its colour, and always in words. Without a tone it is the one that ui.html gives the word.
export function badge(state, tone = "") {
  tones ??= JSON.parse(document.body.dataset.tones);
  return element("span", { class: `badge ${tone || tones[state] || "quiet"}` }, state);
}

let tones;

// An icon of ui.html: the page has every one once, in a hidden sheet.
export function icon(name) {
  return document.querySelector(`#icons [data-icon="${name}"] svg`).cloneNode(true);
}
