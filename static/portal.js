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

// -- the palette: Ctrl-K or ⌘K, arrow keys, Enter; Escape is the dialog's own --------------------
const palette = document.getElementById("palette");
const paletteOptions = () => [...palette.querySelectorAll("[role=option]")];
function choose(option) {
  const field = document.getElementById("palette-q");
  for (const other of paletteOptions()) other.setAttribute("aria-selected", other === option);
  field.setAttribute("aria-expanded", paletteOptions().length > 0);
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}
function openPalette(event) {
  event.preventDefault();
  if (!palette.open) palette.showModal();
  document.getElementById("palette-q").select();
}
document.addEventListener("keydown", (event) => {
  if (palette && (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") openPalette(event);
});
if (palette) {
  const field = document.getElementById("palette-q");
  const button = document.querySelector("[data-palette]");
  if (/Mac|iP/.test(navigator.platform)) button.querySelector("kbd").textContent = "⌘K";
  button.addEventListener("click", (event) => event.ctrlKey || event.metaKey || event.shiftKey || openPalette(event));
  palette.addEventListener("click", (event) => {
    if (event.target === palette || event.target.closest("[data-palette-close]")) palette.close();
  });
  palette.addEventListener("htmx:afterSwap", () => choose(paletteOptions()[0]));
  field.addEventListener("input", () => choose(null)); // what is listed answers an older question
  field.addEventListener("keydown", (event) => {
    const options = paletteOptions();
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1 }[event.key];
    if (to !== undefined && options.length) {
      event.preventDefault();
      choose(options.at(to % options.length));
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      options[at].click();
    }
  });
}

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

// -- a golden path's form: what has been left is looked at; what is typed meanwhile is kept --------
document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.id !== "questions") return;
  const cause = event.detail.triggeringEvent;
  const isLeft = cause?.type !== "input" && cause?.target.name;
  event.detail.formData.set(isLeft ? "_left" : "_typed", isLeft || "yes");
  event.target.dataset.sent = written(event.target);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const sent = event.target.id === "questions" && event.target.dataset.sent;
  if (sent && sent !== written(event.target)) event.detail.shouldSwap = false;
});
function written(questions) {
  const all = [...new FormData(questions.closest("form"))];
  return JSON.stringify(all.filter(([name]) => !name.startsWith("_") && name !== "csrfmiddlewaretoken"));
}

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
