// What happens around the two apps: the scenario's controls, the numbers, the lines of what goes on behind, and the
// three steps that a first visitor is shown.

import { flash, h, icon, syncList } from "./dom.js";
import { clock, currentLanguage, number, word } from "./words.js";

const DISASTERS = [
  ["outage", "bolt"],
  ["vip", "star"],
  ["sla", "clock"],
  ["recover", "check"],
];
const NUMBERS = ["alerts_received", "tickets_open", "notices_delivered", "sent_twice"];
const KEPT = 200; // lines
const DISMISSED = "deskbell.hint.dismissed";

export class Story {
  /** `page` is the document's body; `backend` carries out what the buttons ask. */
  constructor(page, backend) {
    this.page = page;
    this.backend = backend;
    this.lines = [];
    this.told = 0;
    this.paused = false;
    this.list = page.querySelector(".lines ol");
    this.status = page.querySelector(".auto-status");
    this.pause = page.querySelector(".auto-pause");
    this.pause.addEventListener("click", () => backend.scenario(this.paused ? "resume" : "pause"));
  }

  /** Draws the words of the page's language. */
  translate() {
    const buttons = DISASTERS.map(([step, sign]) =>
      h(
        "button",
        { type: "button", class: `button ${step}`, "data-do": step, onclick: () => this.play(step) },
        icon(sign),
        word(`scenario.${step}`),
      ),
    );
    this.page.querySelector(".disasters").replaceChildren(...buttons);
    this.drawPause();
    this.drawLines();
  }

  async play(step) {
    for (const button of this.page.querySelectorAll(".disasters button")) button.disabled = true;
    await this.backend.scenario(step);
    for (const button of this.page.querySelectorAll(".disasters button")) button.disabled = false;
  }

  /** The numbers of the strip. */
  showStats(stats) {
    const rows = NUMBERS.map((name) => ({
      key: name,
      version: `${stats[name]} ${currentLanguage()}`,
      build: () =>
        h(
          "div",
          { class: `number ${name} ${name === "sent_twice" && stats[name] === 0 ? "good" : ""}` },
          h("dt", {}, word(`stats.${name}`)),
          h("dd", {}, number(stats[name] ?? 0)),
        ),
    }));
    for (const node of syncList(this.page.querySelector(".numbers"), rows)) flash(node);
  }

  /** Where the automatic scenario is: `{paused, step, steps, text}`. */
  showScenario({ paused, step, steps, text }) {
    this.paused = Boolean(paused);
    const count = steps ? word("scenario.step", { step, steps }) : "";
    this.status.replaceChildren(h("b", {}, count), " ", text ?? "");
    const bar = this.page.querySelector(".auto progress");
    bar.hidden = !steps;
    bar.max = steps || 1;
    bar.value = step || 0;
    this.drawPause();
  }

  drawPause() {
    this.pause.replaceChildren(
      icon(this.paused ? "play" : "pause"),
      word(this.paused ? "scenario.resume" : "scenario.pause"),
    );
  }

  /** One line of what happens behind: `{at, kind, text}`. */
  tell(line) {
    this.told += 1;
    this.lines = [...this.lines, { ...line, key: String(this.told) }].slice(-KEPT);
    this.drawLines();
  }

  /** The lines from before, in place of those that are shown. */
  retell(lines) {
    this.lines = [];
    for (const line of lines) this.tell(line);
    this.drawLines();
  }

  drawLines() {
    const rows = [...this.lines].reverse().map((line) => ({
      key: line.key,
      version: currentLanguage(),
      build: () =>
        h(
          "li",
          {},
          h("time", { datetime: line.at }, clock(new Date(line.at))),
          h("span", { class: `kind kind-${line.kind}` }, word(`story.kind.${line.kind}`)),
          h("span", { class: "story-text" }, line.text),
        ),
    }));
    syncList(this.list, rows);
    this.page.querySelector(".lines .quiet").hidden = rows.length > 0;
  }
}

/** The hint of a first visit: three steps, each ticked off when it has happened. */
export class Hint {
  constructor(box) {
    this.box = box;
    this.done = 0;
    box.querySelector("button").addEventListener("click", () => this.dismiss());
    box.hidden = remembered();
  }

  /** `step` 1 an alert arrived, 2 a ticket was taken, 3 the other side changed; only the next one counts. */
  reach(step) {
    if (this.box.hidden || step !== this.done + 1) return;
    this.done = step;
    this.box.querySelectorAll("li")[step - 1].classList.add("done");
  }

  dismiss() {
    this.box.hidden = true;
    try {
      localStorage.setItem(DISMISSED, "yes");
    } catch {
      this.box.hidden = true; // a browser that keeps nothing shows it again next time
    }
  }
}

function remembered() {
  try {
    return localStorage.getItem(DISMISSED) === "yes";
  } catch {
    return false;
  }
}
