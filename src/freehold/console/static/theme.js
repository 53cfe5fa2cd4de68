// SPDX-License-Identifier: Apache-2.0
// Light or dark as this browser was told, before anything is drawn. Without a word it is as the system says.
(() => {
  const KEY = "freehold-theme";
  const root = document.documentElement;
  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off: the system's it is
    }
  };
  const told = read();
  if (told === "light" || told === "dark") root.dataset.theme = told;
  root.classList.add("scripted");
})();
