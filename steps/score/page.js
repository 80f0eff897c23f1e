// Tables that sort: a click on the name of a column, or Enter or Space there, sorts by it; again the other way; a third
// time as the page came. Rows marked `pinned` stay above or below the others. What is no number comes last.
"use strict";

function numberIn(text) {
  const found = text.replace(/(\d),(?=\d{3})/g, "$1").match(/^[+(]?(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/);
  return found ? Number(found[1]) : NaN;
}

function sortBy(table, column, direction) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows).sort((a, b) => a.dataset.at - b.dataset.at);
  const free = rows.filter((row) => !row.classList.contains("pinned"));
  if (direction) {
    const values = new Map(free.map((row) => [row, row.cells[column].textContent.trim()]));
    const numeric = column > 0 && free.some((row) => !Number.isNaN(numberIn(values.get(row))));
    const sign = direction === "ascending" ? 1 : -1;
    free.sort((a, b) => {
      if (!numeric) return sign * values.get(a).localeCompare(values.get(b), "en", { numeric: true });
      const [x, y] = [numberIn(values.get(a)), numberIn(values.get(b))];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return sign * (x - y);
    });
  }
  let next = 0;
  for (const row of rows) body.append(row.classList.contains("pinned") ? row : free[next++]);
}

for (const table of document.querySelectorAll("table.sorts")) {
  Array.from(table.tBodies[0].rows).forEach((row, number) => { row.dataset.at = number; });
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "sort";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const order = column ? ["descending", "ascending", "none"] : ["ascending", "descending", "none"];
      const next = order[(order.indexOf(head.getAttribute("aria-sort")) + 1) % 3];
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", next);
      sortBy(table, column, next === "none" ? null : next);
    });
  });
}
