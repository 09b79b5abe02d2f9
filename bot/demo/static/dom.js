// The only place that makes elements. Everything goes through createElement and text nodes, never through markup, so
// that whatever people or machines wrote stays text. No style attributes either: the page runs under a strict policy.

const SVG = "http://www.w3.org/2000/svg";

/** A new element. Attributes that are null, undefined or false are left out; `onclick` and its kin add listeners. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const ICONS = {
  hash: "M5 3 4 13M12 3l-1 10M2.5 6h11.5M2 10h11.5",
  person: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2.5 14c.6-3 2.8-4 5.5-4s4.9 1 5.5 4",
  people:
    "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M1 13.5c.4-2.8 2.3-4 5-4s4.6 1.2 5 4M11 7.5a2 2 0 1 0 0-4" +
    "M12.5 9.8c1.5.4 2.3 1.6 2.5 3.2",
  send: "M2 8 14 2.5 10.5 14 8 9zM8 9l6-6.5",
  close: "M4 4l8 8M12 4l-8 8",
  down: "M4 6l4 4 4-4",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  check: "M3 8.5 6.5 12 13 4.5",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M5 3l8 5-8 5z",
  bolt: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z",
  star: "M8 2l1.8 3.9 4.2.5-3.1 2.9.8 4.2L8 11.4 4.3 13.5l.8-4.2L2 6.4l4.2-.5z",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 4.5V8l2.5 1.5",
  bell: "M8 2a4 4 0 0 0-4 4v3l-1.5 2.5h11L12 9V6a4 4 0 0 0-4-4M6.5 13.5a1.6 1.6 0 0 0 3 0",
  chat: "M2.5 3.5h11v7.5H8L5 13.5V11H2.5z",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8M8 9.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6",
};

/** A decorative line icon of 16 x 16, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of [
    ["viewBox", "0 0 16 16"],
    ["class", "icon"],
    ["aria-hidden", "true"],
  ]) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** The address if it is one that a click may open (http, https, mailto), else null. */
export function safeUrl(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** A link out of the page; where the address is not a safe one, its text and nothing to click. */
export function link(address, children, attributes = {}) {
  const href = safeUrl(address);
  if (!href) return h("span", {}, children);
  return h("a", { ...attributes, href, target: "_blank", rel: "noopener noreferrer" }, children);
}

/** An image; where it cannot be loaded, its alternative text. */
export function picture(address, alternative, kind) {
  const image = h("img", { src: address, alt: alternative, class: kind, loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(h("span", { class: "no-picture" }, alternative)));
  return image;
}

/** A visible sign that something was sent which the page cannot show. */
export function unrendered(what) {
  return h("span", { class: "unrendered", role: "note" }, `not rendered: ${what}`);
}

/** Signs for the properties of `object` that `known` (names separated by spaces) does not hold. */
export function unknownProperties(kind, object, known) {
  const names = new Set(known.split(" "));
  return Object.keys(object)
    .filter((name) => !names.has(name))
    .map((name) => unrendered(`${kind}.${name}`));
}

let counter = 0;
/** An id that is new on this page. */
export function newId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

const FOCUSABLE =
  "a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), " +
  "[tabindex]:not([tabindex='-1'])";

/** What the Tab key reaches below `root`, in order. */
export function focusable(root) {
  return [...root.querySelectorAll(FOCUSABLE)].filter((node) => !node.closest("[hidden], [inert]"));
}

function replaceKeepingFocus(old, fresh) {
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(fresh);
  if (!active) return;
  const same = [...fresh.querySelectorAll("[data-focus]")].find((node) => node.dataset.focus === active.dataset.focus);
  if (same) return same.focus({ preventScroll: true });
  fresh.tabIndex = -1;
  fresh.focus({ preventScroll: true });
}

/**
 * Makes the children of `list` those of `items`, each `{key, version, build}`: a child is built anew only when its
 * version differs, and the keyboard focus stays on the same control. Returns the nodes that replaced an older version.
 */
export function syncList(list, items) {
  const known = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const changed = [];
  let cursor = list.firstElementChild;
  for (const item of items) {
    let node = known.get(item.key);
    known.delete(item.key);
    if (!node || node.version !== item.version) {
      const fresh = item.build();
      fresh.dataset.key = item.key;
      fresh.version = item.version;
      if (node) {
        if (cursor === node) cursor = fresh;
        replaceKeepingFocus(node, fresh);
        changed.push(fresh);
      }
      node = fresh;
    }
    if (node === cursor) cursor = cursor.nextElementSibling;
    else list.insertBefore(node, cursor);
  }
  for (const node of known.values()) node.remove();
  return changed;
}

const fingerprints = new WeakMap();

/** A text that is the same only for objects of the same content; objects never change once they are here. */
export function fingerprint(object) {
  if (!fingerprints.has(object)) fingerprints.set(object, JSON.stringify(object));
  return fingerprints.get(object);
}

/** Draws the eye to a node for a moment. */
export function flash(node) {
  node.classList.remove("flash");
  void node.offsetWidth; // the animation starts anew only after a layout
  node.classList.add("flash");
}

/** A round or square picture of a person or of the bot, made of initials. */
export function avatar(id, name) {
  if (id === "bot") return h("span", { class: "avatar bot", "aria-hidden": "true" }, icon("bell"));
  const words = name.trim().split(/\s+/);
  const initials = words.length > 1 ? words[0][0] + words.at(-1)[0] : name.slice(-2);
  const tint = [...id].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
  return h("span", { class: `avatar tint-${tint}`, "aria-hidden": "true" }, initials.toUpperCase());
}

/** Marks a control as busy while `work` runs, and keeps a second press from starting it again. */
export async function whileBusy(node, work) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    node.removeAttribute("aria-busy");
  }
}
