// A scrolling list of messages: days between them, new ones at the end, what changes in place flashes, and the reader
// stays at the end unless they scrolled away; then a button leads back.

import { flash, h, icon, syncList } from "./dom.js";
import { formatDate, nearDay, word } from "./words.js";

const NEAR_END = 80; // pixels

export class Feed {
  constructor() {
    this.list = h("ol", { class: "messages" });
    this.scroller = h(
      "div",
      { class: "feed", role: "region", tabindex: "0", onscroll: () => this.scrolled() },
      this.list,
    );
    this.pill = h("button", { type: "button", class: "pill", hidden: true, onclick: () => this.toEnd() });
    this.node = h("div", { class: "feed-box" }, this.scroller, this.pill);
    this.place = null;
    this.shown = new Set();
    this.following = true;
    const keepUp = new ResizeObserver(() => this.following && this.toEnd());
    keepUp.observe(this.scroller);
    keepUp.observe(this.list);
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.following = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.following) this.pill.hidden = true;
  }

  toEnd() {
    this.following = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.pill.hidden = true;
  }

  /** Shows the items (`{key, version, build, at}`, `at` a Date) of a place; another place starts at its end. */
  show(place, label, items, emptyText) {
    this.scroller.setAttribute("aria-label", label);
    const moved = place !== this.place;
    if (moved) this.list.replaceChildren();
    const rows = items.length ? withDays(items) : [emptyRow(emptyText)];
    for (const node of syncList(this.list, rows)) flash(node);
    const fresh = items.some(({ key }) => !this.shown.has(key));
    this.place = place;
    this.shown = new Set(items.map(({ key }) => key));
    if (moved || this.following) this.toEnd();
    else if (fresh) {
      this.pill.replaceChildren(icon("down"), word("feed.new"));
      this.pill.hidden = false;
    }
  }
}

function emptyRow(text) {
  return { key: "empty", version: text, build: () => h("li", { class: "empty" }, text) };
}

function withDays(items) {
  let last = null;
  return items.flatMap((item) => {
    const day = item.at.toDateString();
    const rows = day === last ? [item] : [dayRow(item.at, day), item];
    last = day;
    return rows;
  });
}

function dayRow(date, day) {
  const label = nearDay(date) ?? formatDate(date, { weekday: "long", month: "long", day: "numeric" });
  return { key: `day ${day}`, version: label, build: () => h("li", { class: "day" }, h("span", {}, label)) };
}
