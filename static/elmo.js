// Comfort only: every page works without this.
"use strict";

// A button beside the address of a page copies it, filters and all.
for (const link of document.querySelectorAll("a.here")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(link.href);
    button.textContent = "copied";
  });
  link.after(" ", button);
}

// What is chosen from a list is shown at once.
for (const choice of document.querySelectorAll("form.filter select")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}

// What is left empty is not asked for, so that addresses stay short.
for (const form of document.querySelectorAll("form.fields")) {
  form.addEventListener("submit", () => {
    for (const input of form.querySelectorAll("input")) input.disabled = input.value === "";
  });
  // Back from the next page, everything can be filled in again.
  addEventListener("pageshow", () => form.querySelectorAll("input").forEach((input) => (input.disabled = false)));
}
