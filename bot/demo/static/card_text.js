// The Markdown that Teams reads in TextBlock and Fact: bold, italic, links, lists, and a backslash before any
// punctuation makes it literal. https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features
//
// Mentions are `<at>Name</at>` where the card's `msteams.entities` (or the activity) names exactly that text.

import { h, link } from "./dom.js";

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: "\u00a0" };
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const WORD = /[\p{L}\p{N}]/u;
const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;

/** Nodes for a Markdown text: paragraphs and lists. `mentions` are the texts that are mentions. */
export function renderCardText(text, mentions = []) {
  const paragraphs = text.replaceAll("\r", "").split(/\n{2,}/);
  const nodes = paragraphs.flatMap((paragraph) => renderParagraph(paragraph, mentions));
  return nodes.length === 1 && nodes[0].tagName === "P" ? [...nodes[0].childNodes] : nodes;
}

function renderParagraph(paragraph, mentions) {
  const nodes = [];
  let running = [];
  const flush = () => {
    if (running.length) nodes.push(h("p", {}, renderInline(running.join(" "), mentions)));
    running = [];
  };
  for (const line of paragraph.split("\n")) {
    const item = ITEM.exec(line);
    if (!item) {
      running.push(line);
      continue;
    }
    flush();
    const [, order, content] = item;
    const tag = order ? "OL" : "UL";
    if (nodes.at(-1)?.tagName !== tag) nodes.push(h(tag, { start: order }));
    nodes.at(-1).append(h("li", {}, renderInline(content, mentions)));
  }
  flush();
  return nodes;
}

/** Nodes for one line of Markdown. */
export function renderInline(text, mentions = []) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(plain);
    plain = "";
  };
  for (let at = 0; at < text.length;) {
    const literal = escaped(text, at);
    const found = literal ?? named(text, at, mentions) ?? linked(text, at, mentions) ?? emphasis(text, at, mentions);
    if (!found) {
      plain += text[at];
      at += 1;
      continue;
    }
    if (found.plain !== undefined) plain += found.plain;
    else {
      flush();
      nodes.push(found.node);
    }
    at = found.end;
  }
  flush();
  return nodes;
}

function escaped(text, at) {
  if (text[at] === "\\" && ESCAPABLE.test(text[at + 1] ?? "")) return { plain: text[at + 1], end: at + 2 };
  const entity = text[at] === "&" && /^&(amp|lt|gt|quot|#39|nbsp);/.exec(text.slice(at, at + 7));
  return entity ? { plain: ENTITIES[entity[1]], end: at + entity[0].length } : null;
}

function named(text, at, mentions) {
  const found = text[at] === "<" && mentions.find((written) => text.startsWith(written, at));
  if (!found) return null;
  const name = found.replace(/^<at[^>]*>|<\/at>$/g, "");
  return { node: h("span", { class: "mention" }, name), end: at + found.length };
}

// Where the character stands next, backslashes skipped; -1 if nowhere.
function find(text, character, from) {
  for (let at = from; at < text.length; at += text[at] === "\\" ? 2 : 1) {
    if (text.startsWith(character, at)) return at;
  }
  return -1;
}

function linked(text, at, mentions) {
  if (text[at] !== "[") return null;
  const middle = find(text, "](", at + 1);
  const close = middle < 0 ? -1 : find(text, ")", middle + 2);
  if (close < 0) return null;
  const address = text
    .slice(middle + 2, close)
    .replace(/\\(.)/g, "$1")
    .split(/\s+"/, 1)[0];
  return { node: link(address, renderInline(text.slice(at + 1, middle), mentions)), end: close + 1 };
}

function emphasis(text, at, mentions) {
  if (text[at] !== "*" && text[at] !== "_") return null;
  const marker = text[at + 1] === text[at] ? text[at].repeat(2) : text[at];
  const after = text[at + marker.length] ?? " ";
  const before = text[at - 1] ?? " ";
  if (/\s/.test(after) || (text[at] === "_" && WORD.test(before))) return null;
  for (let close = at + marker.length; (close = find(text, marker, close + 1)) > 0;) {
    const next = text[close + marker.length] ?? " ";
    if (/\s/.test(text[close - 1]) || next === text[at] || (text[at] === "_" && WORD.test(next))) continue;
    const content = renderInline(text.slice(at + marker.length, close), mentions);
    return { node: h(marker.length === 2 ? "strong" : "em", {}, content), end: close + marker.length };
  }
  return null;
}
