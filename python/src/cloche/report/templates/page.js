"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = (id) => JSON.parse($(id).textContent);

  // -- plots: drawn when they come into view, in the colours of the page
  const colors = data("colors");
  const drawn = new Map();
  const dressed = (text) => {
    const style = getComputedStyle(document.documentElement);
    for (const [color, variable] of Object.entries(colors)) text = text.replaceAll(color, style.getPropertyValue(variable).trim());
    return text;
  };
  const draw = (place) => {
    drawn.get(place)?.clear();
    drawn.set(place, null);
    place.replaceChildren();
    return Bokeh.embed.embed_item(JSON.parse(dressed($(place.id + "-data").textContent)), place.id).then((views) => drawn.set(place, views));
  };
  const plots = document.querySelectorAll(".canvas");
  // The library is asked for when the page is there, so that nobody waits for it to read the page.
  const library = () => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.plots;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${script.src} is not there, so no plot is drawn; each has its values as a table`));
    document.head.append(script);
  });
  const watched = () => {
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        watch.unobserve(entry.target);
        draw(entry.target);
      }
    }, { rootMargin: "300px" });
    for (const place of plots) watch.observe(place);
    addEventListener("beforeprint", () => { for (const place of plots) if (!drawn.has(place)) draw(place); });
  };
  if (plots.length) addEventListener("load", () => setTimeout(() => library().then(watched)));

  // -- colours: as the system, light, dark
  const root = document.documentElement;
  const choice = $("theme");
  const words = { "": "as the system", light: "light", dark: "dark" };
  const show = () => { choice.lastElementChild.textContent = words[root.dataset.theme ?? ""]; };
  const redraw = () => { for (const place of drawn.keys()) draw(place); };
  choice.hidden = false;
  choice.addEventListener("click", () => {
    const names = Object.keys(words);
    const next = names[(names.indexOf(root.dataset.theme ?? "") + 1) % names.length];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    try { if (next) localStorage.setItem("cloche-theme", next); else localStorage.removeItem("cloche-theme"); } catch { /* a file may have no storage */ }
    show();
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  show();

  // -- headers that sort: a button in each, and aria-sort on the one in use
  const sortable = (table, sort) => {
    for (const header of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const up = header.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        header.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(header, up ? 1 : -1);
      });
    }
  };
  const natural = new Intl.Collator("en", { numeric: true });
  const order = (a, b) => {
    const [x, y] = [Number.parseFloat(a.replace(/[  ,]/g, "")), Number.parseFloat(b.replace(/[  ,]/g, ""))];
    return Number.isNaN(x) || Number.isNaN(y) || x === y ? natural.compare(a, b) : x - y;
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    sortable(table, (header, way) => {
      const rows = [...table.tBodies[0].rows];
      const text = (row) => row.cells[header.cellIndex].textContent.trim();
      rows.sort((a, b) => way * order(text(a), text(b)));
      table.tBodies[0].append(...rows);
    });
  }
  for (const field of document.querySelectorAll("[data-filters]")) {
    const rows = [...$(field.dataset.filters).tBodies[0].rows];
    const count = document.querySelector(`[data-counts="${field.dataset.filters}"]`);
    const filter = () => {
      const wanted = field.value.trim().toLowerCase();
      let number = 0;
      for (const row of rows) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
        number += !row.hidden;
      }
      count.textContent = `${number} of ${rows.length} shown`;
    };
    field.form.hidden = false;
    field.form.addEventListener("submit", (event) => event.preventDefault());
    field.addEventListener("input", filter);
    filter();
  }

  // -- the tests: filtered, sorted and shown a page at a time
  if (!$("tests-data")) return;
  const { files, outcomes, reasons, rows, page, shown, links } = data("tests-data");
  const [FILE, NAME, OUTCOME, SECONDS, SELECTION, BEFORE, CHAOS, MESSAGE] = [0, 1, 2, 3, 4, 5, 6, 7];
  const table = $("tests-table");
  const texts = rows.map((row) => `${files[row[FILE]]}::${row[NAME]} ${row[MESSAGE] ?? ""}`.toLowerCase());
  const keys = {
    name: (row) => `${files[row[FILE]]}::${row[NAME]}`,
    outcome: (row) => row[OUTCOME],
    seconds: (row) => row[SECONDS] ?? -1,
    selection: (row) => (row[SELECTION] ? (row[SELECTION][0] ? 0 : 1) : 2),
    before: (row) => (row[BEFORE] ? row[BEFORE][0] / row[BEFORE][1] : -1),
    chaos: (row) => (row[CHAOS] ? row[CHAOS][0] / row[CHAOS][1] : 2),
  };
  const fields = ["text", "outcome", "selection", "chaos"].map((name) => $(`tests-${name}`));
  let found = rows.map((_, index) => index);
  let sorted = found;
  let first = 0;
  const cell = (kind, text, more = "") => {
    const made = document.createElement(kind);
    if (more) made.className = more;
    made.textContent = text;
    return made;
  };
  // A number is a link to where it is from, which is not in the way of the keyboard: the caption has the same one.
  const number = (text, link) => {
    const made = cell("td", "", "r");
    if (!text || !link) {
      made.textContent = text;
      return made;
    }
    const anchor = cell("a", text, "n");
    anchor.href = link;
    anchor.tabIndex = -1;
    made.append(anchor);
    return made;
  };
  const line = (row) => {
    const made = document.createElement("tr");
    const name = cell("th", "");
    name.scope = "row";
    name.append(cell("span", files[row[FILE]], "file"), ` ${row[NAME]}`);
    if (row[MESSAGE]) name.append(cell("span", row[MESSAGE], "message"));
    const outcome = cell("td", "");
    outcome.append(cell("span", outcomes[row[OUTCOME]], `outcome ${outcomes[row[OUTCOME]]}`));
    made.append(name, outcome);
    if (shown.seconds) made.append(number(row[SECONDS]?.toFixed(3) ?? "", links.seconds));
    if (shown.selection) {
      const chosen = cell("td", row[SELECTION] ? (row[SELECTION][0] ? "selected" : "left out") : "");
      if (row[SELECTION]) chosen.append(cell("span", reasons[row[SELECTION][1]], "message"));
      made.append(chosen);
    }
    if (shown.before) made.append(number(row[BEFORE] ? `${row[BEFORE][0]} of ${row[BEFORE][1]}` : "", links.before));
    if (shown.chaos) made.append(number(row[CHAOS] ? `${row[CHAOS][0]} of ${row[CHAOS][1]}` : "", links.chaos));
    return made;
  };
  const grouped = (number) => number.toLocaleString("en").replaceAll(",", " ");
  const paint = () => {
    table.tBodies[0].replaceChildren(...found.slice(first, first + page).map((index) => line(rows[index])));
    const last = Math.min(first + page, found.length);
    $("tests-count").textContent = `${grouped(found.length)} of ${grouped(rows.length)} tests`;
    $("tests-place").textContent = found.length ? `${grouped(first + 1)} to ${grouped(last)}` : "no test is like this";
    $("tests-back").disabled = first === 0;
    $("tests-next").disabled = last >= found.length;
    $("tests-pager").hidden = rows.length <= page && found.length > 0;
  };
  const survived = (row) => (row[CHAOS] ? (row[CHAOS][0] === row[CHAOS][1] ? "survived" : "failed") : "not reached");
  const filter = () => {
    const [text, outcome, selection, chaos] = fields.map((field) => field?.value ?? "");
    const wanted = text.trim().toLowerCase();
    found = sorted.filter((index) => {
      const row = rows[index];
      return (!wanted || texts[index].includes(wanted)) && (!outcome || outcomes[row[OUTCOME]] === outcome) &&
        (!selection || (row[SELECTION] && row[SELECTION][0] === (selection === "selected"))) && (!chaos || survived(row) === chaos);
    });
    first = 0;
    paint();
  };
  sortable(table, (header, way) => {
    const key = keys[header.dataset.sort];
    const values = rows.map(key);
    const compare = typeof values[0] === "string" ? natural.compare : (a, b) => a - b;
    sorted = rows.map((_, index) => index).sort((a, b) => way * compare(values[a], values[b]) || a - b);
    filter();
  });
  for (const field of fields) field?.addEventListener("input", filter);
  $("tests-filters").addEventListener("submit", (event) => event.preventDefault());
  $("tests-back").addEventListener("click", () => { first = Math.max(0, first - page); paint(); });
  $("tests-next").addEventListener("click", () => { first += page; paint(); });
  $("tests-filters").hidden = false;
  paint();
})();
