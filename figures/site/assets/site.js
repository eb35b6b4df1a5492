// The pages read without this: it adds the ledger's filter and order, and a slider between two images.
"use strict";

function ledger(table) {
  const form = document.getElementById("filter"), status = document.getElementById("shown");
  const body = table.tBodies[0], rows = Array.from(body.rows);
  const words = rows.map((row) => row.textContent.toLowerCase());
  const fields = form.elements;

  function show() {
    const parts = fields.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, i) => {
      const fits = (!fields.verdict.value || row.cells[1].textContent === fields.verdict.value)
        && (!fields.paper.value || row.dataset.p === fields.paper.value)
        && parts.every((part) => words[i].includes(part));
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    status.textContent = count + " of " + rows.length + " claims";
  }

  function key(row, column, numeric) {
    const cell = row.cells[column];
    if (!numeric) return cell.textContent.toLowerCase();
    return cell.dataset.v === "" ? NaN : Number(cell.dataset.v);
  }

  function compare(a, b) {
    if (typeof a === "string") return a < b ? -1 : a > b ? 1 : 0;
    return a - b;
  }

  function order(head, column) {
    const down = head.getAttribute("aria-sort") === "ascending", numeric = head.dataset.sort === "number";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = rows.map((row, i) => ({ row, i, key: key(row, column, numeric) }));
    keyed.sort((a, b) => {
      const missing = Number(Number.isNaN(a.key)) - Number(Number.isNaN(b.key));
      return missing || (Number.isNaN(a.key) ? 0 : compare(a.key, b.key) * (down ? -1 : 1)) || a.i - b.i;
    });
    keyed.forEach((one) => body.append(one.row));
  }

  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => order(head, column));
  });
  const wanted = new URLSearchParams(location.search);
  for (const name of ["q", "verdict", "paper"]) {
    if (wanted.has(name)) fields[name].value = wanted.get(name);
  }
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  table.classList.add("live");
  show();
}

function slider(place) {
  const images = Array.from(place.querySelectorAll("img"));
  if (images.length < 2) return;
  const names = Array.from(place.querySelectorAll("figcaption")).map((caption) => caption.textContent);
  const box = document.createElement("div"), stack = document.createElement("div"), choices = document.createElement("div");
  const range = document.createElement("input");
  box.className = "slider";
  stack.className = "stack";
  choices.className = "choices";
  Object.assign(range, { type: "range", min: 0, max: 100, value: 50 });
  range.setAttribute("aria-label", "How much of the left image is shown, in percent");
  const chosen = [0, 1].map((side) => {
    const image = new Image(), select = document.createElement("select");
    select.setAttribute("aria-label", side ? "Image on the right" : "Image on the left");
    names.forEach((name, i) => select.append(new Option(name, i, i === side, i === side)));
    choices.append(select);
    return { image, select };
  });
  stack.append(chosen[1].image, chosen[0].image);
  box.append(stack, range, choices);
  place.before(box);

  function show() {
    for (const { image, select } of chosen) {
      image.src = images[select.value].src;
      image.alt = images[select.value].alt;
    }
    chosen[0].image.style.clipPath = "inset(0 " + (100 - range.value) + "% 0 0)";
  }
  box.addEventListener("input", show);
  show();
}

const table = document.getElementById("table-of-claims");
if (table) ledger(table);
document.querySelectorAll("[data-compare]").forEach(slider);
