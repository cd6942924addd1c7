"use strict";
(() => {
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const rows = all(".checks tbody tr");
  const details = new Map(all("#hosts details").map((found) => [found.dataset.host, found]));
  const certificates = all(".certificates tbody tr");
  const search = one("#search"), failing = one("#failing"), told = one("#told");
  const texts = new Map();
  let state = "", block = "", current = -1;

  // What a host is found by: its row and all that is said of it, read when it is first asked for.
  const textOf = (row) => {
    if (!texts.has(row)) {
      const more = details.get(row.dataset.host);
      texts.set(row, (row.textContent + " " + (more ? more.textContent : "")).toLowerCase());
    }
    return texts.get(row);
  };

  const wanted = (row, words) =>
    (!state || row.dataset.state === state) &&
    (!block || (row.dataset.blocks || "").split(" ").includes(block)) &&
    (!failing.value || (row.dataset.failing || "").split("\n").includes(failing.value)) &&
    words.every((word) => textOf(row).includes(word));

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = new Set();
    for (const row of rows) {
      const here = wanted(row, words);
      row.hidden = !here;
      if (here) shown.add(row.dataset.host);
    }
    for (const [host, found] of details) found.hidden = !shown.has(host);
    for (const row of certificates) row.hidden = !shown.has(row.dataset.host);
    for (const button of all("button.tile")) button.setAttribute("aria-pressed", String(button.dataset.state === state));
    for (const button of all("button[data-block]")) button.setAttribute("aria-pressed", String(button.dataset.block === block));
    told.textContent = shown.size + " of " + rows.length + " hosts";
  };

  const clear = () => { state = block = search.value = failing.value = ""; show(); };

  const go = (by) => {
    const seen = rows.filter((row) => !row.hidden);
    if (!seen.length) return;
    const from = seen.indexOf(rows[current]);
    const next = seen[Math.min(Math.max(from + by, 0), seen.length - 1)];
    if (rows[current]) rows[current].removeAttribute("aria-current");
    current = rows.indexOf(next);
    next.setAttribute("aria-current", "true");
    next.querySelector("a").focus();
  };

  const unfold = () => {
    const found = location.hash && document.getElementById(location.hash.slice(1));
    if (found && found.tagName === "DETAILS") { found.open = true; found.scrollIntoView(); }
  };

  for (const button of all("button.tile")) button.addEventListener("click", () => { state = button.dataset.state; show(); });
  for (const button of all("button[data-block]")) {
    button.addEventListener("click", () => { block = block === button.dataset.block ? "" : button.dataset.block; show(); });
  }
  search.addEventListener("input", show);
  failing.addEventListener("change", show);
  one(".tools").addEventListener("submit", (event) => event.preventDefault());
  one(".tools").addEventListener("reset", (event) => { event.preventDefault(); clear(); });
  one("#theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  addEventListener("hashchange", unfold);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") { clear(); document.activeElement.blur(); return; }
    if (event.target.matches("input, select")) return;
    if (event.key === "/") { event.preventDefault(); search.focus(); }
    if (event.key === "j") go(1);
    if (event.key === "k") go(-1);
  });
  show();
  unfold();
})();
