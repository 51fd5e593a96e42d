// What the theme leaves out for keyboards and screen readers.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search")
addEventListener("load", () => {
  // Wide tables and diagrams can be moved sideways by the arrow keys.
  for (const region of document.querySelectorAll(".md-typeset__scrollwrap")) {
    region.tabIndex = 0
    region.role = "region"
    region.ariaLabel = `Table: ${region.querySelector("th")?.innerText || "columns"}`
  }
})
