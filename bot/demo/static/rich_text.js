// The rich_text block to elements: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

import { h, link, unknownProperties, unrendered } from "./dom.js";
import { emoji } from "./emoji.js";
import { mention } from "./mrkdwn.js";
import { formatDate } from "./words.js";

const KNOWN = {
  rich_text_section: "type elements",
  rich_text_list: "type elements style indent offset border",
  rich_text_quote: "type elements border",
  rich_text_preformatted: "type elements border language",
  text: "type text style",
  link: "type url text style unsafe",
  user: "type user_id style",
  channel: "type channel_id style",
  usergroup: "type usergroup_id style",
  broadcast: "type range style",
  emoji: "type name unicode skin_tone style",
  date: "type timestamp format url fallback style",
};
const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };

const GROUPS = {
  rich_text_section: (group, context) => h("div", {}, leaves(group.elements, context)),
  rich_text_list: list,
  rich_text_quote: (group, context) => h("blockquote", {}, leaves(group.elements, context)),
  rich_text_preformatted: (group, context) => h("pre", {}, leaves(group.elements, context)),
};

const LEAVES = {
  text: ({ text }) => h("span", {}, text),
  link: ({ url, text }) => link(url, text ?? url),
  user: ({ user_id: id }, { people }) => mention(`@${people.get(id) ?? id}`),
  channel: ({ channel_id: id }, { channels }) => mention(`#${channels.get(id) ?? id}`),
  usergroup: ({ usergroup_id: id }) => mention(`@${id}`),
  broadcast: ({ range }) => mention(`@${range}`),
  emoji: ({ name }) => (emoji(name) ? h("span", {}, emoji(name)) : unrendered(`:${name}:`)),
  date: ({ timestamp }) => {
    const date = new Date(timestamp * 1000);
    return h("time", { datetime: date.toISOString() }, formatDate(date, { dateStyle: "medium", timeStyle: "short" }));
  },
};

/** The elements of a rich_text block's groups. */
export function renderRichText(groups, context) {
  return groups.map((group) => {
    if (!Object.hasOwn(GROUPS, group.type)) return unrendered(group.type);
    const node = GROUPS[group.type](group, context);
    node.append(...unknownProperties(group.type, group, KNOWN[group.type]));
    return node;
  });
}

function list(group, context) {
  const items = group.elements.map((section) => h("li", {}, renderRichText([section], context)));
  const node = h(group.style === "ordered" ? "ol" : "ul", {}, items);
  if (group.offset) node.start = group.offset + 1;
  if (group.indent) node.classList.add(`indent-${Math.min(group.indent, 4)}`);
  return node;
}

function leaves(elements, context) {
  return elements.map((element) => {
    if (!Object.hasOwn(LEAVES, element.type)) return unrendered(element.type);
    const signs = unknownProperties(element.type, element, KNOWN[element.type]);
    const node = styled(LEAVES[element.type](element, context), element.style ?? {});
    return signs.length ? h("span", {}, node, signs) : node;
  });
}

function styled(node, style) {
  return Object.entries(style)
    .filter(([, on]) => on)
    .reduce((inner, [name]) => {
      return Object.hasOwn(STYLES, name)
        ? h(STYLES[name], {}, inner)
        : h("span", {}, inner, unrendered(`style.${name}`));
    }, node);
}
