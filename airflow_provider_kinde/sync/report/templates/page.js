"use strict";
// The page is whole without this script: it adds search and filters, and opens all groups for printing.
(() => {
  const form = document.querySelector(".filters");
  const groups = [...document.querySelectorAll(".group")];
  const initially = groups.map((group) => group.open);
  const count = new Intl.NumberFormat("en");
  let rows = null;

  const read = () => groups.flatMap((group) => {
    const category = group.closest(".category");
    const kind = category ? category.dataset.kind : "";
    return [...group.querySelectorAll("[data-find]")].map((row) => ({
      row, group, kind,
      text: row.textContent.toLowerCase(),
      organizations: (row.dataset.org || "").split("\n"),
    }));
  });

  const apply = () => {
    const text = form.querySelector("#find").value.trim().toLowerCase();
    const kind = form.querySelector("#kind")?.value || "";
    const organization = form.querySelector("#organization")?.value || "";
    const filtered = Boolean(text || kind || organization);
    rows = rows || read();
    const open = new Set();
    let found = 0;
    for (const entry of rows) {
      const fits = (!text || entry.text.includes(text)) && (!kind || entry.kind === kind)
        && (!organization || entry.organizations.includes(organization));
      entry.row.toggleAttribute("data-hidden", !fits);
      if (fits) {
        open.add(entry.group);
        found += 1;
      }
    }
    groups.forEach((group, number) => {
      group.toggleAttribute("data-hidden", filtered && !open.has(group));
      // Without a text to find, a large group stays closed: its title says how many are in it.
      group.open = filtered ? open.has(group) && (Boolean(text) || initially[number]) : initially[number];
    });
    for (const category of document.querySelectorAll(".category")) {
      category.toggleAttribute("data-hidden", !category.querySelector(".group:not([data-hidden])"));
    }
    form.querySelector("#shown").textContent = filtered ? `${count.format(found)} of the listed people, organizations and rows ${found === 1 ? "fits" : "fit"}.` : "";
  };

  if (form) {
    form.hidden = false;
    let waiting = 0;
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, 80);
    });
    form.addEventListener("reset", () => setTimeout(apply));
    form.addEventListener("submit", (event) => event.preventDefault());
  }
  let before = [];
  addEventListener("beforeprint", () => {
    before = groups.map((group) => group.open);
    groups.forEach((group) => { group.open = true; });
  });
  addEventListener("afterprint", () => groups.forEach((group, number) => { group.open = before[number]; }));
})();
