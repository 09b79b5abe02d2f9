// Slack's mrkdwn to elements: https://docs.slack.dev/messaging/formatting-message-text
//
// Blocks first (``` fences, quotes), then each line from left to right: `<...>` specials, code, then the emphasis
// markers, which count only at the edges of words, as in Slack ("2*3*4" and "snake_case_name" stay as they are).

import { h, link } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { formatDate, nearDay, relative } from "./words.js";

const TAGS = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;
const ADDRESS = /^https?:\/\/[^\s<>|]+[^\s<>|.,;:!?'")\]}]/;

/** `&amp;`, `&lt;` and `&gt;` as the characters they stand for; Slack knows no other entities. */
export function unescapeSlack(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** What Slack's client makes of a typed text: `@Name` and `#channel` of those it knows become mentions by id. */
export function encodeMentions(text, users, channels) {
  const named = [
    ...users.map(({ id, name }) => [`@${name}`, `<@${id}>`]),
    ...channels.map(({ id, name }) => [`#${name}`, `<#${id}>`]),
  ].sort(([a], [b]) => b.length - a.length);
  return named.reduce((encoded, [written, mention]) => encoded.replaceAll(written, mention), text);
}

/**
 * Elements for a mrkdwn text. `context` has `people` and `channels`, Maps of id to name; with `verbatim` bare
 * addresses stay text.
 */
export function renderMrkdwn(text, context, verbatim = false) {
  const reader = { ...context, verbatim };
  const parts = text.split(/```([\s\S]+?)```/);
  return parts.flatMap((part, index) => {
    if (index % 2) return [h("pre", {}, plainCode(part.replace(/^\n|\n$/g, "")))];
    return lines(part, reader);
  });
}

function lines(text, context) {
  const nodes = [];
  let quoted = null;
  let fresh = true; // no line break is due before the next line
  const all = text.split("\n");
  all.forEach((line, index) => {
    const mark = /^(?:>|&gt;) ?/.exec(line);
    if (mark) {
      if (!quoted) nodes.push((quoted = h("blockquote")));
      else quoted.append("\n");
      quoted.append(...inline(line.slice(mark[0].length), context));
      fresh = true;
      return;
    }
    quoted = null;
    if (!fresh || (index > 0 && line === "" && index < all.length - 1)) nodes.push("\n");
    nodes.push(...inline(line, context));
    fresh = false;
  });
  return nodes;
}

function inline(text, context) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(withEmoji(unescapeSlack(plain)));
    plain = "";
  };
  for (let at = 0; at < text.length;) {
    const found =
      special(text, at, context) ?? code(text, at) ?? emphasis(text, at, context) ?? bareAddress(text, at, context);
    if (found) {
      flush();
      nodes.push(found.node);
      at = found.end;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return nodes;
}

function special(text, at, context) {
  if (text[at] !== "<") return null;
  const close = text.indexOf(">", at);
  if (close < 0) return null;
  const node = specialNode(text.slice(at + 1, close), context);
  return node && { node, end: close + 1 };
}

function specialNode(content, context) {
  if (content.startsWith("!date^")) return dateNode(content);
  const [target, label] = content.split(/\|([\s\S]*)/);
  if (target.startsWith("@")) return mention(`@${context.people.get(target.slice(1)) ?? label ?? target.slice(1)}`);
  if (target.startsWith("#")) return mention(`#${context.channels.get(target.slice(1)) ?? label ?? target.slice(1)}`);
  if (target.startsWith("!subteam^")) return mention(label ?? `@${target.slice("!subteam^".length)}`);
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`);
  if (!/^(https?|mailto):/.test(target)) return null;
  return link(unescapeSlack(target), label ? inline(label, { ...context, verbatim: true }) : unescapeSlack(target));
}

export function mention(text) {
  return h("span", { class: "mention" }, unescapeSlack(text));
}

function code(text, at) {
  if (text[at] !== "`") return null;
  const close = text.indexOf("`", at + 1);
  if (close <= at + 1) return null;
  return { node: h("code", {}, plainCode(text.slice(at + 1, close))), end: close + 1 };
}

// Within code only the entities are read; a link shows its address.
function plainCode(text) {
  return unescapeSlack(text.replace(/<([^<>|]+)(?:\|[^<>]*)?>/g, "$1"));
}

function emphasis(text, at, context) {
  const marker = text[at];
  if (!Object.hasOwn(TAGS, marker) || !startsWord(text, at)) return null;
  let close = at;
  while ((close = text.indexOf(marker, close + 1)) > 0) {
    if (close === at + 1) return null;
    const ends = !/\s/.test(text[close - 1]) && !WORD.test(text[close + 1] ?? " ") && text[close + 1] !== marker;
    if (ends) return { node: h(TAGS[marker], {}, inline(text.slice(at + 1, close), context)), end: close + 1 };
  }
  return null;
}

function startsWord(text, at) {
  const before = at === 0 ? " " : text[at - 1];
  const after = text[at + 1] ?? " ";
  return !WORD.test(before) && before !== text[at] && !/\s/.test(after);
}

function bareAddress(text, at, context) {
  if (context.verbatim || text[at] !== "h" || (at > 0 && WORD.test(text[at - 1]))) return null;
  const found = ADDRESS.exec(beforeBracket(text.slice(at)));
  if (!found) return null;
  return { node: link(unescapeSlack(found[0]), unescapeSlack(found[0])), end: at + found[0].length };
}

// An address ends before an escaped bracket.
function beforeBracket(text) {
  return text.split(/&[lg]t;/, 1)[0];
}

/** `!date^<seconds>^<format>[^<link>]|<fallback>` in the reader's own zone. */
function dateNode(content) {
  const [head, fallback] = content.split(/\|([\s\S]*)/);
  const [, seconds, format, address] = head.split("^");
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime()) || !format) return h("span", {}, fallback ?? "");
  const text = format.replace(/\{(\w+)\}/g, (whole, token) => DATE_TOKENS[token]?.(date) ?? whole);
  const node = h("time", { datetime: date.toISOString(), title: fallback }, text);
  return address ? link(unescapeSlack(address), [node]) : node;
}

const long = (date) => formatDate(date, { dateStyle: "full" });
const medium = (date) => formatDate(date, { dateStyle: "long" });
const short = (date) => formatDate(date, { dateStyle: "medium" });
const DATE_TOKENS = {
  date_num: (date) => formatDate(date, { year: "numeric", month: "2-digit", day: "2-digit" }),
  date: medium,
  date_short: short,
  date_long: long,
  date_pretty: (date) => nearDay(date) ?? medium(date),
  date_short_pretty: (date) => nearDay(date) ?? short(date),
  date_long_pretty: (date) => nearDay(date) ?? long(date),
  time: (date) => formatDate(date, { hour: "numeric", minute: "2-digit" }),
  time_secs: (date) => formatDate(date, { timeStyle: "medium" }),
  ago: (date) => relative(date),
};

/** A text object of Block Kit: mrkdwn, or plain_text with its emoji. */
export function renderText(object, context) {
  if (object.type === "mrkdwn") return renderMrkdwn(object.text, context, object.verbatim === true);
  return [object.emoji === false ? object.text : withEmoji(object.text)];
}
