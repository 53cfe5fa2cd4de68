// SPDX-License-Identifier: Apache-2.0
// Models: what takes its time, an import, a reading or a tuning, with its progress, and a way to stop it.
import { element, follow, problemNotice, wake } from "./api.js";

/** What a form says, as the API takes it; what is left empty is left out. */
function body(form) {
  const said = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    if ("list" in field.dataset) {
      if (field.checked) (said[field.name] ??= []).push(field.value);
    } else if (field.type === "checkbox") {
      if (field.checked) said[field.name] = true;
    } else if (field.value.trim() !== "") {
      said[field.name] = "percent" in field.dataset ? Number(field.value) / 100 : field.value.trim();
    }
  }
  return said;
}

/** How far it is, on the page: a bar, the step, and all that a person should read. */
function progress(place) {
  const bar = element("progress", { "aria-label": "Progress" });
  const step = element("p", { class: "soft small" }, "Beginning\u2026");
  const notices = element("ul", { class: "plain small", role: "log" });
  place.replaceChildren(bar, step, notices);
  return ({ doing, done_bytes: done, total_bytes: total, notice }) => {
    step.textContent = total ? `${doing}: ${mib(done)} of ${mib(total)} MiB` : doing;
    if (total) [bar.max, bar.value] = [total, done];
    else bar.removeAttribute("value");
    if (notice) notices.append(element("li", {}, notice));
  };
}

const mib = (bytes) => Math.round(bytes / 2 ** 20);

const good = (words) => element("div", { class: "notice good", role: "status" }, element("div", {}, element("p", {}, words)));

/** What is shown once it is done. */
const done = {
  import: ({ model }) => location.assign(`/console/models/${encodeURIComponent(model.name)}`),
  tune: () => {
    location.hash = "tunings";
    location.reload();
  },
  verify: ({ model }, place) => place.replaceChildren(good(`${model.name} is as it was imported: ${model.digest}`)),
};

for (const form of document.querySelectorAll("form[data-long]")) {
  const place = form.querySelector("[data-told]");
  const stop = form.querySelector("[data-stop]");
  const begin = form.querySelector("button:not([data-stop])");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const giveUp = new AbortController();
    stop.onclick = () => giveUp.abort();
    begin.disabled = true;
    stop.hidden = false;
    const tell = progress(place);
    try {
      const result = await follow("POST", form.dataset.long, { body: body(form), signal: giveUp.signal }, tell);
      done[form.dataset.done](result, place);
    } catch (problem) {
      place.replaceChildren(giveUp.signal.aborted ? element("p", { class: "soft" }, "Stopped. Nothing was kept.") : problemNotice(problem));
    } finally {
      begin.disabled = false;
      stop.hidden = true;
    }
  });
  wake(form);
}
