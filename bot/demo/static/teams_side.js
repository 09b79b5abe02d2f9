// The Teams side of the page: the channel, the personal chats with the bot, cards and dialogs of the person acted as.

import { renderCard } from "./adaptive_card.js";
import { renderCardText } from "./card_text.js";
import { splitMention, suggestInTeams } from "./commands.js";
import { Composer } from "./composer.js";
import { openDialog } from "./dialog.js";
import { avatar, fingerprint, flash, h, icon, syncList } from "./dom.js";
import { Feed } from "./feed.js";
import { clock, currentLanguage, fullDate, word } from "./words.js";

const SHOWN = 100; // activities of a conversation, the newest
const MENTIONS = /<at[^>]*>[^<]*<\/at>/g;

export class TeamsSide {
  /** `app` is the element it fills, `page` has `announce`, `toast`, `acted` and `unread("teams", count)`. */
  constructor(app, backend, page) {
    Object.assign(this, { app, backend, page, people: new Map(), conversations: new Map(), activities: new Map() });
    this.seen = new Map();
    this.dialog = null;
    this.replyTo = null;
    this.feed = new Feed();
    const suggest = (text) => suggestInTeams(text, [...this.people.values()], this.isPersonal());
    this.composer = new Composer({ suggest, send: (text) => this.send(text) });
    this.build();
  }

  build() {
    const part = (name) => this.app.querySelector(`.${name}`);
    this.person = part("person");
    this.person.addEventListener("change", () => this.actAs(this.person.value));
    this.rooms = part("rooms");
    this.head = h("header", { class: "room-head" });
    this.replying = h("div", { class: "replying", hidden: true });
    this.at = h("button", { type: "button", class: "ghost at", onclick: () => this.composer.set("@Deskbell ") }, "@");
    this.composer.button.before(this.at);
    part("content").append(
      h("section", { class: "room" }, this.head, this.feed.node, this.replying, this.composer.node),
    );
  }

  /** Takes the whole state, at the start and after every reconnection or change of language. */
  load({ users, conversations, activities }) {
    this.people = new Map(users.map(({ id, name }) => [id, name]));
    this.conversations = new Map(conversations.map((each) => [each.id, each]));
    this.activities = new Map(
      conversations.map(({ id }) => [id, new Map((activities[id] ?? []).map((each) => [each.id, each]))]),
    );
    this.user = users.some(({ id }) => id === this.user) ? this.user : users[0].id;
    for (const { id } of conversations) {
      if (!this.seen.has(id)) this.seen.set(id, new Map(users.map((user) => [user.id, this.latest(id)])));
    }
    if (!this.visible().some(({ id }) => id === this.conversation)) this.conversation = this.visible()[0]?.id;
    this.person.replaceChildren(
      ...users.map(({ id, name }) => h("option", { value: id, selected: id === this.user }, name)),
    );
    this.render();
  }

  visible() {
    return [...this.conversations.values()].filter(({ user }) => !user || user === this.user);
  }

  isPersonal(id = this.conversation) {
    return this.conversations.get(id)?.kind !== "channel";
  }

  ordered(id) {
    return [...(this.activities.get(id)?.values() ?? [])].sort((a, b) => new Date(a.timestamp) - new Date(b.timestamp));
  }

  latest(id) {
    return new Date(this.ordered(id).at(-1)?.timestamp ?? 0).getTime();
  }

  /** One activity that is new, was edited or was deleted. */
  receive(activity) {
    const activities = this.activities.get(activity.conversation);
    if (!activities) return;
    const known = activities.has(activity.id);
    if (activity.deleted) activities.delete(activity.id);
    else activities.set(activity.id, activity);
    const { user } = this.conversations.get(activity.conversation);
    if (!known && activity.from !== this.user && (!user || user === this.user)) this.announce(activity);
    this.render();
  }

  announce(activity) {
    const where = this.conversations.get(activity.conversation).name;
    this.page.announce(word("announce.message", { who: this.author(activity), where, text: preview(activity) }));
  }

  actAs(user) {
    this.user = user;
    this.closeDialog();
    this.answerTo(null);
    if (!this.visible().some(({ id }) => id === this.conversation)) this.conversation = this.visible()[0]?.id;
    this.render();
  }

  async send(typed) {
    const { text, mention } = splitMention(typed);
    const mentions = [...this.people].filter(([, name]) => text.includes(`@${name}`)).map(([id]) => id);
    const message = { text, mention, mentions, ...(this.replyTo ? { reply_to: this.replyTo } : {}) };
    const answer = await this.backend.write(this.user, this.conversation, message);
    if (!answer.error) this.answerTo(null);
    return answer;
  }

  author({ from }) {
    return from === "bot" ? "Deskbell" : (this.people.get(from) ?? from);
  }

  unread(id) {
    const seen = this.seen.get(id)?.get(this.user) ?? 0;
    return this.ordered(id).filter(({ timestamp, from }) => new Date(timestamp) > seen && from !== this.user).length;
  }

  /** Draws everything anew; what has not changed stays as it is. */
  render() {
    if (!this.conversation) return;
    if (this.app.checkVisibility()) this.seen.get(this.conversation).set(this.user, this.latest(this.conversation));
    this.page.unread("teams", this.renderRooms());
    const conversation = this.conversations.get(this.conversation);
    this.head.replaceChildren(roomIcon(conversation), h("h3", {}, conversation.name));
    const label = word("feed.label", { place: conversation.name });
    this.feed.show(`${this.user}/${conversation.id}`, label, this.items(), word("teams.empty"));
    const personal = this.isPersonal();
    this.labelComposer();
    this.at.hidden = personal;
    this.at.setAttribute("aria-label", word("teams.mention"));
  }

  renderRooms() {
    let total = 0;
    const rows = this.visible().map((conversation) => {
      const count = this.unread(conversation.id);
      total += count;
      const last = this.ordered(conversation.id).at(-1);
      const current = conversation.id === this.conversation;
      const version = [conversation.id, count, last && fingerprint(last), current, currentLanguage()].join();
      return {
        key: conversation.id,
        version,
        build: () => h("div", {}, this.roomButton(conversation, count, last, current)),
      };
    });
    syncList(this.rooms, rows);
    return total;
  }

  roomButton(conversation, count, last, current) {
    const badge = count > 0 && h("span", { class: "badge", "aria-label": word("unread", { count }) }, String(count));
    const line = last && h("small", {}, preview(last));
    return h(
      "button",
      {
        type: "button",
        "aria-current": current ? "true" : null,
        class: count ? "has-unread" : null,
        "data-focus": conversation.id,
        onclick: () => this.open(conversation.id),
      },
      roomIcon(conversation),
      h("span", { class: "room-name" }, conversation.name, line),
      badge,
    );
  }

  open(id) {
    this.conversation = id;
    this.answerTo(null);
    this.render();
  }

  // A channel shows posts with their replies, a chat shows everything in one line of time.
  items() {
    const all = this.ordered(this.conversation);
    if (this.isPersonal()) return all.slice(-SHOWN).map((activity) => this.item(activity, []));
    const known = new Set(all.map(({ id }) => id));
    const roots = all.filter(({ reply_to: root }) => !root || !known.has(root));
    return roots.slice(-SHOWN).map((root) =>
      this.item(
        root,
        all.filter(({ reply_to: id }) => id === root.id),
      ),
    );
  }

  item(activity, replies) {
    const version = `${fingerprint(activity)} ${this.user} ${currentLanguage()}`;
    const at = new Date(activity.timestamp);
    return {
      key: activity.id,
      version: [version, ...replies.map(fingerprint)].join(),
      at,
      build: () => this.activityNode(activity, replies, at),
    };
  }

  activityNode(activity, replies, at) {
    const author = this.author(activity);
    const own = activity.from === this.user && this.isPersonal();
    const head = h(
      "div",
      { class: "message-head" },
      h("b", {}, author),
      h("time", { datetime: at.toISOString(), title: fullDate(at) }, clock(at)),
      activity.edited && h("small", { class: "edited" }, word("teams.edited")),
    );
    const body = h("div", { class: "bubble" }, this.content(activity));
    const main = h("div", { class: "message-main" }, head, body);
    if (!this.isPersonal() && !activity.reply_to) main.append(this.repliesNode(activity, replies));
    const kind = this.isPersonal() ? "chat" : "post";
    return h(
      "li",
      { class: `message ${kind} ${own ? "own" : ""}`, "data-activity": activity.id },
      avatar(activity.from, author),
      main,
    );
  }

  repliesNode(activity, replies) {
    const rows = replies.map((reply) => this.activityNode(reply, [], new Date(reply.timestamp)));
    const answer = () => this.answerTo(activity.id);
    const button = h("button", {
      type: "button",
      class: "ghost reply",
      "data-focus": `reply ${activity.id}`,
      onclick: answer,
    });
    button.append(icon("chat"), word("teams.reply"));
    return h("div", { class: "replies" }, h("ol", {}, rows), button);
  }

  // What people wrote is plain; what the bot wrote is Markdown; both may mention.
  content(activity) {
    const nodes = [];
    if (activity.text) {
      const mentions = activity.text.match(MENTIONS) ?? [];
      const text = activity.from === "bot" ? activity.text : plain(activity.text, mentions);
      nodes.push(h("div", { class: "text wrap" }, renderCardText(text, mentions)));
    }
    if (activity.card)
      nodes.push(renderCard(activity.card, { people: this.people, submit: (sent) => this.submit(activity, sent) }));
    return nodes;
  }

  async submit(activity, sent) {
    this.page.acted(sent.verb ?? sent.data?.action);
    const { user } = this;
    this.apply(await this.backend.submitCard(user, activity.conversation, activity.id, sent), activity.conversation);
  }

  /** A dialog that the bot opened, changed or closed for one of the people. */
  receiveDialog({ user, conversation, ...answer }) {
    if (user === this.user) this.apply({ done: !answer.dialog && !answer.message, ...answer }, conversation);
  }

  // The answer of the bot to a press: a dialog, a message, or done.
  apply({ dialog, message, done }, conversation) {
    if (dialog) this.showDialog(dialog, conversation);
    else if (message && this.dialog) this.showMessage(message);
    else if (message) this.page.toast(message);
    else if (done) this.closeDialog();
  }

  showDialog({ title, card }, conversation) {
    const submit = async (sent) => {
      this.page.acted(sent.data?.action);
      this.apply(await this.backend.submitDialog(this.user, conversation, sent), conversation);
    };
    const content = h("div", { class: "dialog-body" }, renderCard(card, { people: this.people, submit }));
    this.replaceDialog(title, [content]);
  }

  showMessage(text) {
    const close = h(
      "button",
      { type: "button", class: "button primary", onclick: () => this.closeDialog() },
      word("dialog.ok"),
    );
    this.replaceDialog("Deskbell", [
      h("div", { class: "dialog-body" }, text),
      h("footer", { class: "dialog-foot" }, close),
    ]);
  }

  replaceDialog(title, content) {
    this.closeDialog();
    this.dialog = openDialog(this.app, { title, kind: "task", content, onClose: () => (this.dialog = null) });
  }

  closeDialog() {
    this.dialog?.close();
    this.dialog = null;
  }

  labelComposer() {
    const room = this.isPersonal() ? "teams.composer_personal" : "teams.composer_channel";
    this.composer.label(word(this.replyTo ? "thread.composer" : room));
  }

  answerTo(id) {
    this.replyTo = id;
    this.replying.hidden = !id;
    if (this.conversation) this.labelComposer();
    if (!id) return;
    const root = this.activities.get(this.conversation).get(id);
    const cross = h("button", {
      type: "button",
      class: "ghost round",
      "aria-label": word("dialog.close"),
      onclick: () => this.answerTo(null),
    });
    cross.append(icon("close"));
    this.replying.replaceChildren(icon("chat"), h("span", {}, word("teams.replying", { text: preview(root) })), cross);
    this.composer.set("");
    const node = [...this.feed.list.children].find(({ dataset }) => dataset.key === id);
    if (node) flash(node);
  }
}

function plain(text, mentions) {
  const escape = (part) => part.replace(/[!-/:-@[-`{-~]/g, "\\$&");
  return text
    .split(MENTIONS)
    .map((part, index) => escape(part) + (mentions[index] ?? ""))
    .join("");
}

function preview({ summary, text, card }) {
  const line = summary || (text ?? "").replace(/<\/?at[^>]*>/g, "");
  return line || (card ? word("teams.card") : "");
}

function roomIcon({ kind }) {
  if (kind !== "channel") return h("span", { class: "avatar bot tiny", "aria-hidden": "true" }, icon("bell"));
  return h("span", { class: "avatar team tiny", "aria-hidden": "true" }, icon("people"));
}
