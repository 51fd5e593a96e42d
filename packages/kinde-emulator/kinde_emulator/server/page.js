"use strict";
const $ = id => document.getElementById(id);
const shown = {};

async function load(id, address) {
  const response = await fetch(address, {cache: "no-store"}).catch(() => null);
  const html = response && response.ok ? await response.text() : null;
  if (html === null) { $("live").textContent = "The emulator does not answer."; return; }
  if (shown[id] !== html) { shown[id] = html; $(id).innerHTML = html; }
}

function part(name, fields) {
  return `/_emulator/page/${name}?${new URLSearchParams(fields)}`;
}

/* People: found while typing; the address of the page keeps what is searched. */
const search = $("q");
let number = new URLSearchParams(location.search).get("page") || "1";
let wait;
function people() { return load("people", part("people", {q: search.value, page: number})); }
search.addEventListener("input", () => {
  clearTimeout(wait);
  number = "1";
  wait = setTimeout(() => {
    history.replaceState(null, "", search.value ? `?${new URLSearchParams({q: search.value})}` : location.pathname);
    people();
  }, 120);
});
search.form.addEventListener("submit", event => event.preventDefault());

/* Requests: the newest first, each second, unless paused. */
let paused = false;
function requests() { return load("requests", part("requests", {q: $("path").value, errors: $("errors").checked ? 1 : ""})); }
for (const id of ["path", "errors"]) $(id).addEventListener("input", requests);
$("pause").addEventListener("click", event => {
  paused = !paused;
  event.target.setAttribute("aria-pressed", paused);
  event.target.textContent = paused ? "Go on" : "Pause";
});

/* Faults and switches. */
async function send(method, name, body) {
  const headers = {"content-type": "application/json", "x-emulator-page": document.body.dataset.token};
  const response = await fetch(`/_emulator/page/${name}`, {method, headers, body: body && JSON.stringify(body)});
  const text = await response.text();
  $("said").textContent = response.ok ? text : `Not done: ${text}`;
  return response.ok;
}
$("fault").addEventListener("submit", async event => {
  event.preventDefault();
  await send("POST", "faults", Object.fromEntries(new FormData(event.target)));
  load("waiting", part("faults", {}));
});
$("waiting").addEventListener("click", async event => {
  if (!event.target.dataset.fault) return;
  await send("DELETE", `faults/${event.target.dataset.fault}`);
  load("waiting", part("faults", {}));
});
$("switches").addEventListener("change", async event => {
  const field = event.target;
  if (!field.name) return;
  const value = field.type === "checkbox" ? String(field.checked) : field.value;
  if (await send("PATCH", "settings", {name: field.name, value})) {
    field.closest("label").classList.toggle("changed", value !== field.dataset.default);
  }
});
$("switch").addEventListener("input", event => {
  const wanted = event.target.value.toLowerCase();
  for (const label of $("switches").querySelectorAll("label")) label.hidden = !label.textContent.toLowerCase().includes(wanted);
});

let round = 0;
setInterval(() => {
  if (document.hidden) return;
  if (!paused) requests();
  load("waiting", part("faults", {}));
  if (++round % 4 === 0) people();
}, 1000);
