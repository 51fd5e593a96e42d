"use strict";
// Buttons call Airflow's own REST API with the session of the user: Airflow decides whether the user may.
(() => {
  const send = async (button, status) => {
    button.disabled = true;
    status.textContent = "Sending…";
    try {
      const answer = await fetch(button.dataset.url, {
        method: button.dataset.method,
        credentials: "same-origin",
        headers: { "Content-Type": "application/json" },
        body: button.dataset.body,
      });
      if (!answer.ok) {
        throw new Error(answer.status === 403 ? "Airflow does not allow it" : `Airflow answered ${answer.status}`);
      }
      status.textContent = button.dataset.done;
    } catch (error) {
      status.textContent = `Not done: ${error.message}.`;
      button.disabled = false;
    }
  };
  for (const button of document.querySelectorAll("button[data-url]")) {
    const status = button.closest(".actions").querySelector("[role=status]");
    const text = button.textContent;
    button.addEventListener("click", () => {
      if (button.dataset.sure && !button.classList.contains("sure")) {
        // The first click asks, the second one within ten seconds sends.
        button.classList.add("sure");
        button.textContent = button.dataset.sure;
        setTimeout(() => {
          button.classList.remove("sure");
          button.textContent = text;
        }, 10000);
        return;
      }
      button.classList.remove("sure");
      button.textContent = text;
      send(button, status);
    });
  }
})();
