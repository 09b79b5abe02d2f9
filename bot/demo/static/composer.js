// Where a person writes: grows with its text, Enter sends, Shift+Enter breaks the line, and suggestions above it are
// reached by the arrow keys and taken by Tab or Enter.

import { h, icon, newId, whileBusy } from "./dom.js";
import { word } from "./words.js";

const TALLEST = 140; // pixels

export class Composer {
  /** `suggest(text)` gives `{insert, label, usage, description}`; `send(text)` resolves to `{error}` if it failed. */
  constructor({ suggest, send }) {
    this.suggest = suggest;
    this.send = send;
    this.chosen = -1;
    this.options = [];
    const id = newId("suggestions");
    this.list = h("ul", { class: "suggestions", role: "listbox", id, hidden: true });
    this.input = h("textarea", {
      rows: "1",
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": id,
      oninput: () => this.changed(),
      onfocus: () => this.changed(),
      onblur: () => this.hide(),
      onkeydown: (event) => this.key(event),
    });
    this.button = h("button", { class: "send", type: "submit" }, icon("send"));
    this.node = h(
      "form",
      { class: "composer", onsubmit: (event) => this.submit(event) },
      this.list,
      this.input,
      this.button,
    );
  }

  /** Says where it writes to, for those who see and those who hear it. */
  label(text) {
    this.input.placeholder = text;
    this.input.setAttribute("aria-label", text);
    this.button.setAttribute("aria-label", word("composer.send"));
    this.list.setAttribute("aria-label", word("composer.suggestions"));
  }

  focus() {
    this.input.focus();
  }

  set(text) {
    this.input.value = text;
    this.changed();
    this.focus();
  }

  changed() {
    this.input.style.height = "auto";
    this.input.classList.toggle("tall", this.input.scrollHeight > TALLEST);
    this.input.style.height = `${Math.min(this.input.scrollHeight, TALLEST)}px`;
    this.options = this.suggest(this.input.value);
    this.chosen = -1;
    this.draw();
  }

  draw() {
    this.list.replaceChildren(...this.options.map((option, index) => this.row(option, index)));
    this.list.hidden = !this.options.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    const current = this.list.children[this.chosen];
    if (current) this.input.setAttribute("aria-activedescendant", current.id);
    else this.input.removeAttribute("aria-activedescendant");
    current?.scrollIntoView({ block: "nearest" });
  }

  row({ label, usage, description }, index) {
    return h(
      "li",
      {
        role: "option",
        id: `${this.list.id}-${index}`,
        "aria-selected": String(index === this.chosen),
        onpointerdown: (event) => {
          event.preventDefault();
          this.take(index);
        },
      },
      h("span", { class: "suggestion" }, h("b", {}, label), usage && ` ${usage}`),
      h("small", {}, description),
    );
  }

  take(index) {
    const { insert } = this.options[index];
    if (!this.input.value.startsWith(insert)) this.set(insert);
  }

  hide() {
    this.options = [];
    this.draw();
  }

  key(event) {
    if (event.isComposing) return; // Enter ends a Korean syllable first
    const count = this.options.length;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (count && event.key in steps) {
      this.chosen =
        (this.chosen + steps[event.key] + count + (this.chosen < 0 && steps[event.key] < 0 ? 1 : 0)) % count;
      this.draw();
    } else if (count && event.key === "Escape") this.hide();
    else if (count && event.key === "Tab" && !event.shiftKey && this.input.value) this.take(Math.max(this.chosen, 0));
    else if (event.key === "Enter" && !event.shiftKey && this.chosen >= 0) this.take(this.chosen);
    else if (event.key === "Enter" && !event.shiftKey) this.node.requestSubmit();
    else return;
    event.preventDefault();
  }

  async submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text) return;
    this.hide();
    await whileBusy(this.node, async () => {
      const answer = await this.send(text);
      if (answer?.error || this.input.value.trim() !== text) return;
      this.input.value = "";
      this.changed();
    });
  }
}
