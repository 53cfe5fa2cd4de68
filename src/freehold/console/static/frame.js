// SPDX-License-Identifier: Apache-2.0
// What every page has: the switch between light and dark, the banner kept true, and menus that close.
import { api, element } from "./api.js";

const BANNER_EVERY_MS = 5000;

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("freehold-theme", root.dataset.theme);
  } catch {
    // storage is switched off: it holds for this page alone
  }
  document.dispatchEvent(new Event("theme"));
}

function told(directive) {
  const name = element("b", {}, directive.name);
  if (directive.state === "in force") return [element("b", {}, "Withdrawn:"), ` ${directive.kind} `, name, `, by directive ${directive.id}`];
  if (directive.state === "scheduled") {
    const at = directive.effective.replace("T", " ").replace("Z", "");
    return [element("b", {}, "Scheduled:"), ` ${directive.kind} `, name, ` will be withdrawn at ${at} UTC`];
  }
  return [element("b", {}, "Waits for a second signature:"), ` the withdrawal of ${directive.kind} `, name];
}

function banner(directive, icon) {
  const hit = directive.targets.length ? ` (${directive.targets.join(", ")})` : "";
  const link = element("a", { href: "/console/withdraw" }, "Look at it");
  const words = element("span", {}, ...told(directive), hit, ". ", link);
  const line = element("p", { class: `banner ${directive.state === "in force" ? "bad" : "mid"}` });
  if (icon) line.append(icon.cloneNode(true));
  line.append(words);
  return line;
}

let shown = "";

async function keepBanner() {
  if (document.hidden) return;
  try {
    const { directives } = await api("GET", "directives?standing=true&limit=1000", { background: true });
    const standing = directives.filter((one) => one.state !== "lifted");
    const now = JSON.stringify(standing.map((one) => [one.id, one.state, one.targets]));
    if (now === shown) return; // said once to whoever listens
    const first = shown === "";
    shown = now;
    if (first && document.querySelectorAll("#standing .banner").length === standing.length) return;
    const icon = document.querySelector('nav.side a[href="/console/withdraw"] .icon');
    document.getElementById("standing").replaceChildren(...standing.map((one) => banner(one, icon)));
  } catch {
    // the page's own parts say what does not answer
  }
}

document.getElementById("theme")?.addEventListener("click", switchTheme);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open], details.who[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.who[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});
// A form marked so asks before it is sent, in words that its page chose.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
keepBanner();
setInterval(keepBanner, BANNER_EVERY_MS);
