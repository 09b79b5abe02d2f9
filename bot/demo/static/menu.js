// A popup list below a button, for overflow menus and for selects that act at once: arrows move, Enter picks,
// Escape and a click elsewhere close, and the focus goes back to the button.

import { h, link } from "./dom.js";

let open = null;

function close(refocus) {
  if (!open) return;
  const { menu, anchor, stop } = open;
  open = null;
  stop.abort();
  menu.remove();
  anchor.setAttribute("aria-expanded", "false");
  if (refocus) anchor.focus({ preventScroll: true });
}

function place(menu, anchor) {
  const box = anchor.getBoundingClientRect();
  const left = Math.min(box.left, innerWidth - menu.offsetWidth - 8);
  const below = box.bottom + 4 + menu.offsetHeight <= innerHeight;
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - 4 - menu.offsetHeight)}px`;
}

function item(entry, pick) {
  const content = [h("span", { class: "menu-label" }, entry.label)];
  if (entry.description) content.push(h("span", { class: "menu-description" }, entry.description));
  const attributes = { role: "menuitem", tabindex: "-1", class: "menu-item", onclick: pick };
  return entry.url ? link(entry.url, content, attributes) : h("button", { ...attributes, type: "button" }, content);
}

function move(items, step) {
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length].focus();
}

const KEYS = {
  ArrowDown: (items) => move(items, 1),
  ArrowUp: (items) => move(items, -1),
  Home: (items) => items[0].focus(),
  End: (items) => items.at(-1).focus(),
  Escape: () => close(true),
  Tab: () => close(true),
};

/** Opens the menu of `anchor`, or closes it. `entries` are `{label, description?, url?, group?}`; `onPick(index)`. */
export function toggleMenu(anchor, label, entries, onPick) {
  const own = open?.anchor === anchor;
  close(own);
  if (own || !entries.length) return;
  const stop = new AbortController();
  const items = entries.map((entry, index) =>
    item(entry, () => {
      close(true);
      onPick(index);
    }),
  );
  const rows = entries.flatMap(({ group }, index) => {
    const heading = group && group !== entries[index - 1]?.group;
    return heading ? [h("div", { class: "menu-group" }, group), items[index]] : [items[index]];
  });
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label }, rows);
  open = { menu, anchor, stop };
  document.body.append(menu);
  anchor.setAttribute("aria-expanded", "true");
  place(menu, anchor);
  items[0].focus();
  menu.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    KEYS[event.key](items);
  });
  const outside = ({ target }) => !menu.contains(target) && !anchor.contains(target) && close(false);
  document.addEventListener("pointerdown", outside, { signal: stop.signal });
  addEventListener("resize", () => close(false), { signal: stop.signal });
}
