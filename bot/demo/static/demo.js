// The local chat of `deskbell demo`: Slack on one side, Teams on the other, both showing the very JSON that the real
// ones would get. This file wires the page; each side, the renderers and the requests have files of their own.
//
// What the page and its server say to each other. Times are RFC 3339, except Slack's `ts` (text, seconds since 1970).
//
// GET /demo/state?lang=ko -> {
//   "cursor": the id of the last stream event that is in this state (optional; older events are then left out),
//   "slack": {"users": [{id, name}], "channels": [{id, name, kind: "channel"|"im", user (the owner of an im)}],
//             "messages": {channelId: [message]}, "bot": {id, name} (optional: who <@id> is),
//             "homes": {userId: {view_id, view}} (optional: with it, the direct message has a Home tab)},
//   "teams": {"users": [{id, name}], "conversations": [{id, name, kind: "channel"|"personal", user}],
//             "activities": {conversationId: [activity]}},
//   "stats": {alerts_received, tickets_open, notices_delivered, sent_twice},
//   "scenario": {paused, step, steps, text (what comes or happens now, in the page's language)},
//   "story": [the last lines] (optional) }
//   message:  {channel, ts, thread_ts|null, user ("bot" or a user id), text, blocks, edited, ephemeral_to|null,
//             deleted}
//   activity: {id, conversation, from ("bot" or a user id), text, card|null, summary, reply_to|null, edited, timestamp,
//             deleted}
//
// GET /demo/stream?lang=ko: server-sent events with `id:`; the state is loaded anew after every reconnection.
//   slack.message   a message, new or changed (same channel and ts)
//   slack.view      {user, view_id, view|null, errors: {block_id: text}?}; a view of type home is the Home tab
//   teams.activity  an activity, new or changed (same id)
//   teams.dialog    {user, conversation, dialog: {title, card}|null, message?}
//   stats, scenario as above
//   story           {at, kind: "alert"|"rule"|"ticket"|"notice"|"sync"|"scenario", text}
//
// POST, JSON both ways; any answer may be {error: text}, which the person is shown:
//   /demo/slack/command {user, channel, text, thread_ts?}   as typed, known people and channels as <@U1>, <#C1>
//   /demo/slack/action  {user, channel, ts | view_id, action, state: {values}}   action as in block_actions
//   /demo/slack/submit  {user, view_id, values} -> {ok} | {errors: {block_id: text}} | {view, view_id?}
//   /demo/slack/close   {user, view_id}
//   /demo/slack/home    {user}   the Home tab is looked at; only with "homes" in the state
//   /demo/teams/message {user, conversation, text, mention, mentions: [ids of people named], reply_to?}
//   /demo/teams/submit  {user, conversation, activity_id, data} and for Action.Execute {verb, execute: true}
//                       -> {} | {dialog: {title, card}} | {message}
//   /demo/teams/dialog  {user, conversation, data} -> {dialog} | {message} | {done: true}
//   /demo/scenario      {do: "outage"|"vip"|"sla"|"recover"|"pause"|"resume"}

import { Backend } from "./backend.js";
import { h } from "./dom.js";
import { SlackSide } from "./slack_side.js";
import { Hint, Story } from "./story.js";
import { TeamsSide } from "./teams_side.js";
import { LANGUAGES, preferredLanguage, translate, useLanguage, word } from "./words.js";

const TOAST_SECONDS = 6;
const RETRY_SECONDS = 3;
const ASSIGNING = new Set(["assign_to_me", "assign"]);
const find = (selector) => document.querySelector(selector);

class Page {
  constructor() {
    this.backend = new Backend((text) => this.toast(text));
    this.hint = new Hint(find(".first-visit"));
    this.story = new Story(document.body, this.backend);
    this.slack = new SlackSide(find("#slack"), this.backend, this.pageOf("slack"));
    this.teams = new TeamsSide(find("#teams"), this.backend, this.pageOf("teams"));
    this.assignedOn = null;
    this.stop = null;
    this.waiting = null; // events that came while the state was being loaded
    this.loading = 0;
    this.phone = matchMedia("(max-width: 700px)");
    this.phone.addEventListener("change", () => this.showTab(document.body.dataset.tab));
    for (const tab of document.querySelectorAll(".tabs button")) {
      tab.addEventListener("click", () => this.showTab(tab.dataset.tab));
      tab.addEventListener("keydown", (event) => this.moveTab(event));
    }
  }

  // What a side may ask of the page.
  pageOf(side) {
    return {
      announce: (text) => (find(".announcer").textContent = text),
      toast: (text) => this.toast(text),
      acted: (name) => this.acted(side, name),
      unread: (name, count) => this.showUnread(name, count),
    };
  }

  async start() {
    for (const language of LANGUAGES) {
      find(`.languages [lang=${language}]`).addEventListener("click", () => this.speak(language));
    }
    await this.speak(preferredLanguage());
    document.body.classList.add("ready");
  }

  /** Makes a language that of the page: its words, the state, the stream. */
  async speak(language) {
    await useLanguage(language);
    translate(document);
    document.title = word("page.title");
    for (const button of document.querySelectorAll(".languages button")) {
      button.setAttribute("aria-pressed", String(button.lang === language));
    }
    this.story.translate();
    this.showTab(document.body.dataset.tab);
    this.stop?.();
    this.stop = this.backend.listen({
      receive: (name, data, id) => this.receive(name, data, id),
      connected: () => this.load(),
      interrupted: () => (find(".offline").hidden = false),
    });
  }

  // News that comes meanwhile waits; of two loads at once only the later one counts.
  async load() {
    this.waiting = [];
    this.loading += 1;
    const turn = this.loading;
    try {
      const state = await this.backend.state();
      if (turn !== this.loading) return;
      this.show(state);
      find(".offline").hidden = true;
    } catch {
      find(".offline").hidden = false;
      if (turn === this.loading) setTimeout(() => turn === this.loading && this.load(), RETRY_SECONDS * 1000);
    }
  }

  show(state) {
    this.slack.load(state.slack);
    this.teams.load(state.teams);
    this.story.showStats(state.stats);
    this.story.showScenario(state.scenario);
    if (state.story) this.story.retell(state.story);
    const missed = this.waiting.filter(({ id }) => !(id <= state.cursor));
    this.waiting = null;
    for (const { name, data } of missed) this.apply(name, data);
  }

  receive(name, data, id) {
    if (this.waiting) this.waiting.push({ name, data, id });
    else this.apply(name, data);
  }

  apply(name, data) {
    const take = {
      "slack.message": () => this.slack.receive(data),
      "slack.view": () => this.slack.receiveView(data),
      "teams.activity": () => this.teams.receive(data),
      "teams.dialog": () => this.teams.receiveDialog(data),
      stats: () => this.story.showStats(data),
      scenario: () => this.story.showScenario(data),
      story: () => this.story.tell(data),
    };
    take[name]();
    if (name === "slack.message" || name === "teams.activity") this.noticeStep(name.split(".")[0], data);
  }

  // The first visitor's three steps, as they happen.
  noticeStep(side, { user, from, edited }) {
    if ((user ?? from) === "bot") this.hint.reach(1);
    if (edited && this.assignedOn && this.assignedOn !== side) this.hint.reach(3);
  }

  acted(side, name) {
    if (!ASSIGNING.has(name)) return;
    this.assignedOn = side;
    this.hint.reach(2);
  }

  toast(text) {
    const node = h("div", { class: "toast" }, text);
    find(".toasts").append(node);
    setTimeout(() => node.remove(), TOAST_SECONDS * 1000);
  }

  showUnread(side, count) {
    const badge = find(`.tabs [data-tab=${side}] .badge`);
    badge.textContent = String(count);
    badge.hidden = count === 0;
    badge.setAttribute("aria-label", word("unread", { count }));
  }

  /** On a phone one part is shown at a time. */
  showTab(name) {
    document.body.dataset.tab = name;
    for (const tab of document.querySelectorAll(".tabs button")) {
      const selected = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls"));
      panel.setAttribute("role", this.phone.matches ? "tabpanel" : "region");
    }
    if (this.slack.channel) this.slack.render();
    if (this.teams.conversation) this.teams.render();
  }

  moveTab(event) {
    const tabs = [...document.querySelectorAll(".tabs button")];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
    this.showTab(next.dataset.tab);
    next.focus();
  }
}

new Page().start();
