// SPDX-License-Identifier: Apache-2.0
// Talk: asks a service, shows the answer as it comes, and what is on record of it. With two targets, both beside each
// other. What models say becomes text and nothing else.
import { Problem, element, follow, problemNotice, wake } from "./api.js";
import { Answer } from "./answer.js";

const form = document.getElementById("talk-form").elements;
const asking = document.getElementById("ask-form");
const turns = document.getElementById("turns");
const status = document.getElementById("talk-status");
const stop = document.getElementById("stop");
const services = [...document.getElementById("services").content.children];

let lines = []; // a conversation for each target that answers: { target, messages }
let giveUp = null;

/** The targets of the service that is chosen. */
function offerTargets() {
  const service = services.find((one) => one.dataset.service === form.service.value);
  for (const [select, none] of [[form.target, "as the service decides"], [form.beside, "nobody"]]) {
    const options = [...service.children].map(({ dataset }) => element("option", { value: dataset.target }, `${dataset.target} (${dataset.says})`));
    select.replaceChildren(element("option", { value: "" }, none), ...options);
  }
  beginAnew();
}

function beginAnew() {
  giveUp?.abort();
  lines = [];
  turns.replaceChildren();
  document.getElementById("nothing").hidden = false;
}

/** A conversation for each target that is asked; another choice of targets begins anew. */
function openLines() {
  const targets = form.beside.value ? [form.target.value, form.beside.value] : [form.target.value];
  if (lines.length === targets.length && lines.every((line, at) => line.target === targets[at])) return;
  beginAnew();
  lines = targets.map((target) => ({ target, messages: [] }));
}

/** A field of JSON, or undefined where it is empty. Throws Problem in words. */
function json(name, label) {
  const written = form[name].value.trim();
  if (!written) return undefined;
  try {
    return JSON.parse(written);
  } catch (problem) {
    form[name].closest("details").open = true;
    form[name].focus();
    throw new Problem(400, { detail: `${label} is not JSON: ${problem.message}`, code: "invalid_request" });
  }
}

const number = (name) => (form[name].value === "" ? undefined : Number(form[name].value));

/** What an application would send, but for the messages. */
function options() {
  const tools = json("tools", "Tools");
  const schema = json("schema", "The schema");
  return {
    max_tokens: number("max_tokens"),
    temperature: number("temperature"),
    seed: number("seed"),
    tools: tools && [tools].flat().map((tool) => (tool.type === "function" ? tool : { type: "function", function: tool })),
    response_format: schema && { type: "json_schema", json_schema: { name: "answer", schema, strict: schema.additionalProperties === false } },
  };
}

async function ask(words) {
  openLines();
  const more = options();
  for (const line of lines) line.messages.push({ role: "user", content: words });
  turns.append(element("div", { class: "said user" }, element("h3", {}, "You"), element("div", { class: "words" }, words)));
  await answerAll(lines, more);
}

/** Each line's answer beside the others'; a line whose call failed goes on without that answer. */
async function answerAll(which, more) {
  document.getElementById("nothing").hidden = true;
  const row = element("div", { class: which.length > 1 ? "answers two" : "answers" });
  turns.append(row);
  giveUp = new AbortController();
  occupied(true);
  status.textContent = "The answer is coming.";
  try {
    await Promise.all(which.map((line) => answer(line, more, row, giveUp.signal)));
    status.textContent = "The call is over.";
  } finally {
    occupied(false);
  }
}

async function answer(line, more, row, signal) {
  const shown = new Answer(line.target, Boolean(more.response_format));
  row.append(shown.card);
  const system = form.system.value.trim();
  const messages = [...(system ? [{ role: "system", content: system }] : []), ...line.messages];
  const body = {
    service: form.service.value,
    ...(line.target && { target: line.target }),
    ...(form.data_class.value && { data_class: form.data_class.value }),
    request: { ...more, messages },
  };
  try {
    const { talk } = await follow("POST", "talk", { body, signal }, (step) => step.event && shown.take(step.event));
    shown.end(talk);
    if (talk.error) return;
    line.messages.push(shown.message);
    if (shown.calls.length) shown.askResults((results) => goOn(line, results, more));
  } catch (problem) {
    shown.fail(signal.aborted ? "Stopped." : problem);
    if (signal.aborted && shown.text) line.messages.push({ role: "assistant", content: shown.text });
  }
}

/** The results of tools, which a person has typed, and what the model makes of them. */
async function goOn(line, results, more) {
  line.messages.push(...results);
  await answerAll([line], more);
}

function occupied(is) {
  document.getElementById("ask").disabled = is;
  stop.hidden = !is;
}

asking.addEventListener("submit", async (event) => {
  event.preventDefault();
  const words = asking.elements.words.value.trim();
  if (!words || document.getElementById("ask").disabled) return;
  try {
    options(); // what cannot be read is said before anything is
    asking.elements.words.value = "";
    await ask(words);
  } catch (problem) {
    turns.append(problemNotice(problem));
  }
  asking.elements.words.focus();
});
asking.elements.words.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) asking.requestSubmit();
});
stop.addEventListener("click", () => giveUp?.abort());
document.getElementById("anew").addEventListener("click", beginAnew);
document.getElementById("talk-form").addEventListener("submit", (event) => event.preventDefault());
form.service.addEventListener("change", offerTargets);
const wanted = new URLSearchParams(location.search).get("service");
if (services.some((one) => one.dataset.service === wanted)) form.service.value = wanted;
offerTargets();
wake(asking);
