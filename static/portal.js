// What the pages cannot do by themselves. Everything works without it, a little less well.

// -- copy buttons: data-copy names the element whose text goes to the clipboard -----------------
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    announce("Copied.");
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  } catch {
    getSelection().selectAllChildren(source); // no clipboard here: Ctrl-C is one key away
    announce("Selected. Press Ctrl and C to copy.");
  }
});

// -- what screen readers hear -------------------------------------------------------------------
function announce(text) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = text;
}

// -- keyboard: "/" goes to the search field -----------------------------------------------------
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// -- a form with errors says so first -----------------------------------------------------------
function focusErrors(root) {
  root.querySelector("[data-error-summary]")?.focus();
}
focusErrors(document);
document.addEventListener("htmx:afterSwap", (event) => focusErrors(event.detail.target));

// -- htmx: short addresses, and a word when the portal does not answer --------------------------
document.addEventListener("htmx:configRequest", (event) => {
  const given = event.detail.formData;
  if (event.detail.verb === "get") for (const [name, value] of [...given]) if (!value) given.delete(name);
});
const offline = (isOffline) => () => {
  document.getElementById("offline").hidden = !isOffline;
};
document.addEventListener("htmx:sendError", offline(true));
document.addEventListener("htmx:afterOnLoad", offline(false));

// -- a form is sent once ------------------------------------------------------------------------
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
