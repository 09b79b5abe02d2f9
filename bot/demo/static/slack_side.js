// The Slack side of the page: channels, messages, threads, the composer and the modals of the person acted as.

import { readValues, renderBlocks } from "./block_kit.js";
import { suggestInSlack } from "./commands.js";
import { Composer } from "./composer.js";
import { askToConfirm } from "./dialog.js";
import { avatar, fingerprint, flash, h, icon, syncList } from "./dom.js";
import { Feed } from "./feed.js";
import { encodeMentions, renderMrkdwn, renderText } from "./mrkdwn.js";
import { SlackModal } from "./slack_modal.js";
import { clock, currentLanguage, fullDate, word } from "./words.js";

const SHOWN = 100; // messages of a channel, the newest

export class SlackSide {
  /** `app` is the element it fills, `page` has `announce(text)`, `acted(name)` and `unread("slack", count)`. */
  constructor(app, backend, page) {
    Object.assign(this, { app, backend, page, people: new Map(), channels: new Map(), messages: new Map() });
    this.seen = new Map();
    this.threadTs = null;
    this.atHome = false;
    this.feed = new Feed();
    this.threadFeed = new Feed();
    const suggest = (text) => suggestInSlack(text, [this.bot.name, ...this.people.values()]);
    this.composer = new Composer({ suggest, send: (text) => this.send(text) });
    this.threadComposer = new Composer({ suggest: () => [], send: (text) => this.send(text, this.threadTs) });
    this.modal = new SlackModal(app, (fields, viewId) => this.blockContext(fields, { view_id: viewId }), backend);
    this.build();
  }

  build() {
    const part = (name) => this.app.querySelector(`.${name}`);
    this.person = part("person");
    this.person.addEventListener("change", () => this.actAs(this.person.value));
    this.rooms = part("rooms");
    this.head = h("header", { class: "room-head" });
    this.home = h("div", { class: "home", hidden: true });
    const room = h("section", { class: "room" }, this.head, this.home, this.feed.node, this.composer.node);
    this.threadHead = h("header", { class: "room-head" });
    this.thread = h(
      "aside",
      { class: "thread", hidden: true },
      this.threadHead,
      this.threadFeed.node,
      this.threadComposer.node,
    );
    part("content").append(room, this.thread);
    this.thread.addEventListener("keydown", (event) => event.key === "Escape" && this.closeThread());
  }

  /** Takes the whole state, at the start and after every reconnection or change of language. */
  load({ users, channels, messages, bot, homes }) {
    this.users = users;
    this.bot = bot ?? { id: "bot", name: "Deskbell" };
    this.homes = homes && new Map(Object.entries(homes));
    this.people = new Map(users.map(({ id, name }) => [id, name]));
    this.channels = new Map(channels.map((channel) => [channel.id, channel]));
    this.messages = new Map(
      channels.map(({ id }) => [id, new Map((messages[id] ?? []).map((each) => [each.ts, each]))]),
    );
    this.user = users.some(({ id }) => id === this.user) ? this.user : users[0].id;
    for (const { id } of channels)
      if (!this.seen.has(id)) this.seen.set(id, new Map(users.map((user) => [user.id, this.latest(id)])));
    if (!this.visibleChannels().some(({ id }) => id === this.channel)) this.channel = this.visibleChannels()[0]?.id;
    this.person.replaceChildren(
      ...users.map(({ id, name }) => h("option", { value: id, selected: id === this.user }, name)),
    );
    this.modal.actAs(this.user);
    this.render();
  }

  latest(channel) {
    return [...(this.messages.get(channel)?.keys() ?? [])].sort().at(-1) ?? "";
  }

  visibleChannels() {
    return [...this.channels.values()].filter(({ user }) => !user || user === this.user);
  }

  /** One message that is new, was edited or was deleted. */
  receive(message) {
    const messages = this.messages.get(message.channel);
    if (!messages) return;
    const known = messages.has(message.ts);
    if (message.deleted) messages.delete(message.ts);
    else messages.set(message.ts, message);
    if (!known && this.concerns(message) && message.user !== this.user) this.announce(message);
    this.render();
  }

  announce(message) {
    const facts = { who: this.author(message), where: this.channelName(message.channel), text: message.text };
    this.page.announce(word("announce.message", facts));
  }

  /** A modal or the Home tab of one of the people: opened, changed or closed. */
  receiveView({ user, view_id: viewId, view, errors }) {
    if (view?.type === "home") this.receiveHome(user, viewId, view);
    else this.modal.receive({ user, view_id: viewId, view, errors });
  }

  receiveHome(user, viewId, view) {
    this.homes?.set(user, { view, view_id: viewId });
    if (user === this.user) this.render();
  }

  actAs(user) {
    this.user = user;
    this.closeThread();
    if (!this.visibleChannels().some(({ id }) => id === this.channel)) this.channel = this.visibleChannels()[0]?.id;
    this.render();
    this.modal.actAs(user);
  }

  send(text, threadTs) {
    const channels = [...this.channels.values()].filter(({ kind }) => kind === "channel");
    return this.backend.say(
      this.user,
      this.channel,
      encodeMentions(text, [this.bot, ...this.users], channels),
      threadTs,
    );
  }

  // A message for another person's eyes only, or one in another person's direct messages, is not ours.
  concerns({ ephemeral_to: onlyFor, channel }) {
    const owner = this.channels.get(channel)?.user;
    return (!onlyFor || onlyFor === this.user) && (!owner || owner === this.user);
  }

  // A note that somebody wrote elsewhere stands under that name.
  author({ user, username }) {
    return username || (user === "bot" ? this.bot.name : (this.people.get(user) ?? user));
  }

  channelName(id) {
    const { kind, name } = this.channels.get(id);
    return kind === "channel" ? `#${name}` : name;
  }

  topLevel(channel) {
    return [...(this.messages.get(channel)?.values() ?? [])]
      .filter((each) => this.concerns(each) && (!each.thread_ts || each.thread_ts === each.ts))
      .sort((a, b) => (a.ts < b.ts ? -1 : 1));
  }

  repliesTo({ ts }) {
    return [...this.messages.get(this.channel).values()]
      .filter((each) => each.thread_ts === ts && each.ts !== ts && this.concerns(each))
      .sort((a, b) => (a.ts < b.ts ? -1 : 1));
  }

  unread(channel) {
    const seen = this.seen.get(channel)?.get(this.user) ?? "";
    return this.topLevel(channel).filter(({ ts, user }) => ts > seen && user !== this.user).length;
  }

  /** Draws everything anew; what has not changed stays as it is. */
  render() {
    if (!this.channel) return;
    if (this.app.checkVisibility()) this.seen.get(this.channel).set(this.user, this.latest(this.channel));
    const counts = this.renderRooms();
    this.page.unread("slack", counts);
    const name = this.channelName(this.channel);
    this.renderHead();
    const items = this.topLevel(this.channel)
      .slice(-SHOWN)
      .map((message) => this.item(message, { thread: true }));
    this.feed.show(`${this.user}/${this.channel}`, word("feed.label", { place: name }), items, word("slack.empty"));
    this.composer.label(word("slack.composer", { channel: name }));
    this.renderThread();
  }

  renderHead() {
    const channel = this.channels.get(this.channel);
    const hasHome = Boolean(this.homes) && channel.kind === "im";
    const atHome = hasHome && this.atHome;
    const tab = (home) =>
      h(
        "button",
        {
          type: "button",
          class: "room-tab",
          "aria-pressed": String(home === atHome),
          "data-focus": `tab ${home}`,
          onclick: () => this.showHome(home),
        },
        word(home ? "slack.home" : "slack.messages"),
      );
    const version = [channel.id, hasHome, atHome, currentLanguage()].join();
    const build = () =>
      h(
        "div",
        { class: "room-title" },
        roomIcon(channel),
        h("h3", {}, channel.name),
        hasHome && [tab(true), tab(false)],
      );
    syncList(this.head, [{ key: "title", version, build }]);
    this.home.hidden = !atHome;
    this.feed.node.hidden = atHome;
    this.composer.node.hidden = atHome;
    if (atHome) this.renderHome();
  }

  renderHome() {
    const { view, view_id: viewId } = this.homes.get(this.user) ?? { view: { blocks: [] } };
    const version = [this.user, fingerprint(view), currentLanguage()].join();
    const build = () => h("div", {}, renderBlocks(view.blocks, this.blockContext([], { view_id: viewId })));
    for (const node of syncList(this.home, [{ key: this.user, version, build }])) flash(node);
  }

  /** The Home tab of the app, which the app is told about, or its messages. */
  showHome(home) {
    this.atHome = home;
    if (home) this.backend.openHome(this.user);
    this.render();
  }

  renderRooms() {
    let total = 0;
    const groups = [
      ["channel", "slack.channels"],
      ["im", "slack.direct"],
    ].map(([kind, title]) => {
      const rows = this.visibleChannels().filter((channel) => (channel.kind === "channel") === (kind === "channel"));
      const list = h(
        "ul",
        {},
        rows.map((channel) => {
          const count = this.unread(channel.id);
          total += count;
          return h("li", {}, this.roomButton(channel, count));
        }),
      );
      return {
        key: kind,
        version: `${word(title)} ${list.textContent} ${this.channel} ${this.user}`,
        build: () => h("div", { class: "room-group" }, h("h3", {}, word(title)), list),
      };
    });
    syncList(this.rooms, groups);
    return total;
  }

  roomButton(channel, count) {
    const current = channel.id === this.channel;
    const badge = count > 0 && h("span", { class: "badge", "aria-label": word("unread", { count }) }, String(count));
    return h(
      "button",
      {
        type: "button",
        "aria-current": current ? "true" : null,
        class: count ? "has-unread" : null,
        "data-focus": channel.id,
        onclick: () => this.open(channel.id),
      },
      roomIcon(channel),
      h("span", { class: "room-name" }, channel.name),
      badge,
    );
  }

  open(channel) {
    this.channel = channel;
    this.closeThread();
    this.render();
  }

  item(message, { thread }) {
    const replies = thread ? this.repliesTo(message) : [];
    const version = [fingerprint(message), replies.length, replies.at(-1)?.ts, thread, currentLanguage()].join();
    const at = new Date(Number(message.ts) * 1000);
    return { key: message.ts, version, at, build: () => this.messageNode(message, replies, thread, at) };
  }

  messageNode(message, replies, thread, at) {
    const author = this.author(message);
    const head = h(
      "div",
      { class: "message-head" },
      h("b", {}, author),
      message.user === "bot" && h("span", { class: "app-mark" }, word("slack.app")),
      h("time", { datetime: at.toISOString(), title: fullDate(at) }, clock(at)),
    );
    const onlyYou = message.ephemeral_to && h("p", { class: "only-you" }, icon("eye"), word("slack.only_you"));
    const body = h("div", { class: "message-body" }, this.content(message));
    if (message.edited) body.append(h("small", { class: "edited" }, word("slack.edited")));
    const foot = thread && !message.ephemeral_to && this.threadButton(message, replies);
    return h(
      "li",
      { class: `message ${message.ephemeral_to ? "ephemeral" : ""}`, "data-ts": message.ts },
      avatar(message.user, author),
      h("div", { class: "message-main" }, onlyYou, head, body, foot),
    );
  }

  content(message) {
    const context = this.blockContext([], { channel: message.channel, ts: message.ts });
    if (!message.blocks?.length) return [h("div", { class: "mrkdwn" }, renderMrkdwn(message.text, context))];
    return renderBlocks(message.blocks, context);
  }

  blockContext(fields, place) {
    const channels = new Map([...this.channels].map(([id, { name }]) => [id, name]));
    const act = async (action) => {
      this.page.acted(action.action_id);
      await this.backend.act(this.user, place, action, readValues(fields));
    };
    const people = new Map([[this.bot.id, this.bot.name], ...this.people]);
    const suggest = (blockId, text) => this.backend.suggest(this.user, place.view_id, blockId, text);
    return { people, channels, users: this.people, fields, act, suggest, confirm: (object) => this.confirm(object) };
  }

  confirm({ title, text, confirm, deny, style }) {
    const context = { people: this.people, channels: new Map() };
    const texts = { title: title.text, text: renderText(text, context), yes: confirm.text, no: deny.text };
    return askToConfirm(this.app, { ...texts, danger: style === "danger" });
  }

  threadButton(message, replies) {
    const last = replies.at(-1);
    const label = last
      ? [
          h("b", {}, word(replies.length === 1 ? "thread.one" : "thread.many", { count: replies.length })),
          h("small", {}, word("thread.last", { time: clock(new Date(Number(last.ts) * 1000)) })),
        ]
      : [word("thread.reply")];
    const attributes = {
      type: "button",
      class: `thread-link ${last ? "" : "quiet"}`,
      "data-focus": `thread ${message.ts}`,
    };
    return h("button", { ...attributes, onclick: () => this.openThread(message.ts) }, icon("chat"), label);
  }

  openThread(ts) {
    this.threadTs = ts;
    this.thread.hidden = false;
    this.app.classList.add("in-thread");
    this.renderThread();
    this.threadComposer.focus();
  }

  closeThread() {
    if (!this.threadTs) return;
    const ts = this.threadTs;
    this.threadTs = null;
    this.thread.hidden = true;
    this.app.classList.remove("in-thread");
    [...this.feed.list.querySelectorAll("[data-focus]")]
      .find(({ dataset }) => dataset.focus === `thread ${ts}`)
      ?.focus();
  }

  renderThread() {
    if (!this.threadTs) return;
    const root = this.messages.get(this.channel).get(this.threadTs);
    if (!root) return this.closeThread();
    const cross = h("button", {
      type: "button",
      class: "ghost round",
      "aria-label": word("thread.close"),
      onclick: () => this.closeThread(),
    });
    cross.append(icon("close"));
    const where = h("small", {}, this.channelName(this.channel));
    this.threadHead.replaceChildren(icon("chat"), h("h3", {}, word("thread.title"), " ", where), cross);
    const items = [root, ...this.repliesTo(root)].map((message) => this.item(message, { thread: false }));
    this.threadFeed.show(`${this.user}/${this.threadTs}`, word("thread.title"), items, "");
    this.threadComposer.label(word("thread.composer"));
  }
}

function roomIcon({ kind }) {
  return kind === "channel"
    ? icon("hash")
    : h("span", { class: "avatar bot tiny", "aria-hidden": "true" }, icon("bell"));
}
