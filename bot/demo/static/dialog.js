// Dialogs inside one of the two apps: what is below cannot be reached meanwhile, Tab stays within, Escape closes, and
// the focus returns to where it was. The other app stays usable, so that both can be watched side by side.

import { focusable, h, icon, newId } from "./dom.js";
import { word } from "./words.js";

function keepFocusInside(event, box) {
  const stops = focusable(box);
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement !== edge && box.contains(document.activeElement)) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
}

/**
 * Opens a dialog over `app` (an element with `.app-body`). `kind` is a class, `content` the nodes below the title.
 * `onClose` runs when the person dismisses it. Returns `{box, close}`; `close` dismisses it without `onClose`.
 */
export function openDialog(app, { title, kind, content, onClose }) {
  const before = document.activeElement;
  const below = [...app.children].filter((node) => !node.inert);
  const heading = h("h2", { id: newId("dialog"), class: "dialog-title" }, title);
  const dismiss = () => {
    close();
    onClose?.();
  };
  const cross = h("button", {
    type: "button",
    class: "ghost round",
    "aria-label": word("dialog.close"),
    onclick: dismiss,
  });
  cross.append(icon("close"));
  const box = h("div", {
    class: `dialog ${kind}`,
    role: "dialog",
    "aria-modal": "true",
    "aria-labelledby": heading.id,
  });
  box.append(h("header", { class: "dialog-head" }, heading, cross), ...content);
  const scrim = h("div", { class: "scrim" }, box);

  function close() {
    if (!scrim.isConnected) return;
    scrim.remove();
    for (const node of below) node.inert = false;
    if (before?.isConnected) before.focus({ preventScroll: true });
  }

  scrim.addEventListener("keydown", (event) => {
    if (event.key === "Escape") dismiss();
    else if (event.key === "Tab") keepFocusInside(event, box);
    else return;
    event.stopPropagation();
  });
  for (const node of below) node.inert = true;
  app.append(scrim);
  const preferred = box.querySelector("[autofocus]") ?? focusable(box).find((node) => node !== cross) ?? cross;
  preferred.focus({ preventScroll: true });
  return { box, close };
}

/** Asks yes or no; resolves to the answer. All texts are nodes or strings, `danger` colours the first button. */
export function askToConfirm(app, { title, text, yes, no, danger }) {
  return new Promise((resolve) => {
    const answer = (value) => () => {
      dialog.close();
      resolve(value);
    };
    const buttons = h(
      "footer",
      { class: "dialog-foot" },
      h("button", { type: "button", class: "button", onclick: answer(false) }, no),
      h(
        "button",
        { type: "button", class: `button ${danger ? "danger" : "primary"}`, autofocus: true, onclick: answer(true) },
        yes,
      ),
    );
    const content = [h("div", { class: "dialog-body mrkdwn" }, text), buttons];
    const dialog = openDialog(app, { title, kind: "small", content, onClose: () => resolve(false) });
  });
}
