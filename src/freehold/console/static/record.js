// SPDX-License-Identifier: Apache-2.0
// The pages of the Record: an entry verified in this browser, and a receipt checked in it.
import { Problem, element, wake } from "./api.js";
import { ladder } from "./ladder.js";
import { NotProved, Uncheckable, hex, subtle, textOf } from "./proof/bytes.js";
import { proveEntry } from "./proof/log.js";
import { readKey } from "./proof/note.js";
import { checkReceipt } from "./proof/receipt.js";

const FILES = "/admin/v1/ledger/files/";
const KEPT = "freehold-vkey";

/** A file of the log as it lies on the disk now; null if there is none. */
async function read(path) {
  const answer = await fetch(FILES + path, { cache: "no-store" });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => null));
  return new Uint8Array(await answer.arrayBuffer());
}

/** The key that was typed here before, where that was not simply the estate's. */
function keptKey() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage is switched off
  }
}

function keepKey(vkey) {
  try {
    localStorage.setItem(KEPT, vkey);
  } catch {
    // it has to be typed again
  }
}

function verdict(kind, head, ...lines) {
  const shown = lines.filter(Boolean).map((line) => element("p", { class: "soft" }, line));
  return element("div", { class: `notice ${kind}` }, element("div", {}, element("p", {}, element("b", {}, head)), ...shown));
}

function refusal(problem) {
  if (problem instanceof NotProved) return verdict("bad", "It does not hold.", problem.message, "Keep the files as they are, and compare them with a copy.");
  if (problem instanceof Uncheckable) return verdict("mid", "It cannot be checked here.", problem.message);
  if (problem instanceof Problem) return verdict("mid", "The log's files cannot be read now.", problem.message, problem.hint);
  throw problem; // a bug of this page: no verdict is shown
}

/** What this browser cannot do is said before it is asked for. */
function sayWhatLacks(result) {
  try {
    subtle();
  } catch (problem) {
    result.replaceChildren(refusal(problem));
  }
}

const fact = (name, value) => [element("dt", {}, name), element("dd", {}, element("code", {}, value))];

function prepareEntry(section) {
  const { index: place, size, vkey: shown } = section.dataset;
  const index = Number(place);
  const form = document.getElementById("verify-form");
  const result = document.getElementById("verify-result");
  const picture = document.getElementById("ladder");
  sayWhatLacks(result);
  const origin = shown.slice(0, shown.indexOf("+") + 1);
  if (keptKey()?.startsWith(origin)) form.elements.vkey.value = keptKey(); // not that of another log, whose receipt was checked
  if (size && index < Number(size)) picture.replaceChildren(ladder(index, Number(size), null));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const vkey = form.elements.vkey.value.trim();
    result.replaceChildren(element("p", { class: "soft" }, "Computing\u2026"));
    try {
      const key = await readKey(vkey);
      const proof = await proveEntry(read, key, index);
      requireShown(proof);
      if (vkey !== shown) keepKey(vkey);
      picture.replaceChildren(ladder(index, proof.checkpoint.size, proof));
      result.replaceChildren(...proved(proof, key, index, vkey === shown));
    } catch (problem) {
      result.replaceChildren(refusal(problem));
      picture.querySelector("svg")?.setAttribute("class", "broken");
    }
  });
}

/** What was proved is what this page shows: the text, and each field that stands in the table. */
function requireShown({ entry, fields }) {
  if (textOf(entry, "the entry") !== document.getElementById("entry-text").textContent) {
    throw new NotProved("this page shows another text than the one that is in the log");
  }
  for (const cell of document.querySelectorAll("[data-field]")) {
    const value = cell.dataset.field.split(".").reduce((found, name) => found?.[name], fields);
    const said = typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
    if (cell.textContent !== said) throw new NotProved(`this page shows ${cell.dataset.field} as ${cell.textContent}, and the log has ${said}`);
  }
}

function proved({ checkpoint, leaf, steps, files }, key, index, isOwn) {
  const head = `Entry ${index} is in the log of ${checkpoint.size} entries that ${checkpoint.origin} has signed.`;
  const whose = isOwn
    ? "The key is the one that this estate shows: compare its id with what you have by another way."
    : "The key is the one that you have given.";
  const facts = element("dl", { class: "facts" });
  facts.append(...fact("hash of the entry", hex(leaf)), ...fact(`root after ${steps.length} steps`, hex(checkpoint.root)));
  facts.append(...fact("signed by", `${key.name}+${key.id}`), ...fact("out of the files", files.join(", ")));
  return [verdict("good", head, whose), facts];
}

function prepareReceipt(form) {
  const result = document.getElementById("check-result");
  sayWhatLacks(result);
  if (keptKey()) form.elements.vkey.value = keptKey();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    result.replaceChildren(); // no verdict outlives the next question
    try {
      const key = await readKey(form.elements.vkey.value);
      const bytes = new Uint8Array(await form.elements.receipt.files[0].arrayBuffer());
      const found = await checkReceipt(bytes, key);
      keepKey(form.elements.vkey.value.trim());
      result.replaceChildren(...receiptProved(found));
    } catch (problem) {
      result.replaceChildren(refusal(problem));
    }
  });
}

function receiptProved({ origin, size, entries }) {
  const head = `The receipt holds: its entries are in the log of ${size} entries that ${origin} has signed.`;
  const lacks = entries.admission && entries.admission.fields.effect === "allow" && !entries.outcome;
  const rows = Object.entries(entries).map(([name, { index, fields }]) =>
    element("li", {}, element("b", {}, `${name} ${index}`), " ", element("code", {}, JSON.stringify(fields))),
  );
  const open = lacks ? "The call had no outcome on record when the receipt was made." : "";
  return [verdict("good", head, open), element("ul", {}, ...rows)];
}

const section = document.getElementById("verify");
if (section) prepareEntry(section);
const form = document.getElementById("check-form");
if (form) prepareReceipt(form);
wake(document);
