// SPDX-License-Identifier: Apache-2.0
// Offers the names that fit what a directive is to name, and the hour only where one is wanted.

const form = document.querySelector('form[action="/console/withdraw/preview"]');
const names = document.getElementById("names");
const offered = [...names.querySelectorAll("option")];

function offer() {
  const seen = new Set();
  const fitting = offered.filter((one) => one.dataset.kind === form.elements.kind.value && !seen.has(one.value) && seen.add(one.value));
  names.replaceChildren(...fitting);
}

function ask() {
  form.elements.at.required = form.elements.when.value === "later";
  form.elements.at.disabled = !form.elements.at.required;
}

form.addEventListener("change", () => {
  offer();
  ask();
});
offer();
ask();
