// Block Kit to elements: https://docs.slack.dev/reference/block-kit/blocks
//
// One function per block type; each object's properties are held against a list, and whatever is not on it shows as a
// red "not rendered" sign, so that the page never hides a part of what was really sent.
//
// `context`: `people` and `channels` (Maps of id to name, for mentions) and `users` (those that can be chosen);
// `fields`, an array that collects every element with a value; `act(action, node)`, called with what Slack would send
// for a click; `confirm(object)`, resolves to a boolean.

import { renderElement, renderInputElement } from "./block_elements.js";
import { h, newId, picture, unknownProperties, unrendered } from "./dom.js";
import { renderText } from "./mrkdwn.js";
import { renderRichText } from "./rich_text.js";
import { word } from "./words.js";

const KNOWN = {
  section: "type block_id text fields accessory expand",
  header: "type block_id text",
  context: "type block_id elements",
  divider: "type block_id",
  actions: "type block_id elements",
  rich_text: "type block_id elements",
  input: "type block_id label element hint optional dispatch_action",
  image: "type block_id image_url alt_text title",
};

const BLOCKS = { section, header, context: contextBlock, divider, actions, rich_text: richText, input, image };

/** The elements of a list of blocks. */
export function renderBlocks(blocks, context) {
  return blocks.map((block, index) => {
    if (!Object.hasOwn(BLOCKS, block.type)) return unrendered(block.type);
    const named = { ...block, block_id: block.block_id ?? `block-${index}` };
    const node = BLOCKS[block.type](named, context);
    node.dataset.block = named.block_id;
    node.append(...unknownProperties(block.type, block, KNOWN[block.type]));
    return node;
  });
}

/** The values of all elements as in Slack's `state.values`: block_id -> action_id -> value. */
export function readValues(fields) {
  const values = {};
  for (const { blockId, actionId, read } of fields) (values[blockId] ??= {})[actionId] = read();
  return values;
}

function textNode(tag, object, context) {
  const kind = { plain_text: "type text emoji", mrkdwn: "type text verbatim" }[object.type];
  if (!kind) return unrendered(object.type);
  return h(tag, { class: "mrkdwn" }, renderText(object, context), unknownProperties(object.type, object, kind));
}

function section(block, context) {
  const main = h("div", { class: "section-main" });
  if (block.text) main.append(textNode("div", block.text, context));
  if (block.fields)
    main.append(
      h(
        "div",
        { class: "fields" },
        block.fields.map((field) => textNode("div", field, context)),
      ),
    );
  const accessory = block.accessory && h("div", { class: "accessory" }, renderElement(block.accessory, block, context));
  return h("div", { class: "block section" }, main, accessory);
}

function header(block, context) {
  return h("h3", { class: "block header" }, renderText(block.text, context));
}

function contextBlock(block, context) {
  const parts = block.elements.map((element) =>
    element.type === "image"
      ? picture(element.image_url, element.alt_text, "small-picture")
      : textNode("span", element, context),
  );
  return h("div", { class: "block context" }, parts);
}

function divider() {
  return h("hr", { class: "block" });
}

function actions(block, context) {
  return h(
    "div",
    { class: "block actions" },
    block.elements.map((element) => renderElement(element, block, context)),
  );
}

function richText(block, context) {
  return h("div", { class: "block rich-text mrkdwn" }, renderRichText(block.elements, context));
}

function image(block, context) {
  const caption = block.title && h("figcaption", {}, renderText(block.title, context));
  return h("figure", { class: "block picture" }, caption, picture(block.image_url, block.alt_text, "large-picture"));
}

function input(block, context) {
  const id = newId("input");
  const box = h("div", { class: "block input-block" });
  const label = h("label", { for: id, id: `${id}-label` }, renderText(block.label, context));
  if (block.optional) label.append(h("span", { class: "optional" }, ` ${word("form.optional")}`));
  const error = h("p", { class: "field-error", id: `${id}-error`, role: "alert", hidden: true });
  const hint = block.hint && h("p", { class: "hint", id: `${id}-hint` }, renderText(block.hint, context));
  const describedBy = `${id}-error${hint ? ` ${id}-hint` : ""}`;
  const node = renderInputElement(block.element, block, { ...context, id, describedBy });
  box.append(label, node, error, hint ?? "");
  return box;
}
