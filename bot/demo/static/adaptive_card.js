// Adaptive Cards to elements: https://adaptivecards.io/explorer/
//
// One function per element type; each object's properties are held against a list, and whatever is not on it shows as
// a red "not rendered" sign, so that the page never hides a part of what was really sent.
//
// `context`: `people` (a Map of id to name), `submit({data, verb, execute}, node)`, called with the card's data and the
// values of its inputs merged, as Teams sends them.

import { renderActions } from "./card_actions.js";
import { renderInput } from "./card_inputs.js";
import { renderCardText } from "./card_text.js";
import { h, link, picture, unknownProperties, unrendered } from "./dom.js";

const ELEMENT = "type id isVisible spacing separator height requires fallback";
const TEXT = "text color size weight isSubtle fontType";
const INPUT = `${ELEMENT} label isRequired errorMessage`;
const KNOWN = {
  AdaptiveCard:
    "type version $schema body actions msteams fallbackText speak lang minHeight verticalContentAlignment refresh",
  TextBlock: `${ELEMENT} ${TEXT} wrap maxLines horizontalAlignment style`,
  RichTextBlock: `${ELEMENT} inlines horizontalAlignment`,
  TextRun: `type ${TEXT} italic strikethrough underline highlight selectAction`,
  FactSet: `${ELEMENT} facts`,
  Fact: "title value",
  ColumnSet: `${ELEMENT} columns style horizontalAlignment minHeight bleed selectAction`,
  Column: `${ELEMENT} items width style verticalContentAlignment minHeight bleed selectAction`,
  Container: `${ELEMENT} items style verticalContentAlignment minHeight bleed selectAction`,
  ActionSet: `${ELEMENT} actions`,
  Image: `${ELEMENT} url altText size style width horizontalAlignment selectAction`,
  "Input.Text": `${INPUT} placeholder value maxLength isMultiline style regex`,
  "Input.Number": `${INPUT} placeholder value min max`,
  "Input.ChoiceSet": `${INPUT} placeholder value choices choices.data style isMultiSelect wrap`,
};

const ELEMENTS = {
  TextBlock: textBlock,
  RichTextBlock: richTextBlock,
  FactSet: factSet,
  ColumnSet: columnSet,
  Container: container,
  ActionSet: (element, scope) => renderActions(element.actions, scope),
  Image: image,
  "Input.Text": renderInput,
  "Input.Number": renderInput,
  "Input.ChoiceSet": renderInput,
};

/** The element of a card. */
export function renderCard(card, context) {
  const mentions = (card.msteams?.entities ?? []).filter(({ type }) => type === "mention").map(({ text }) => text);
  const root = h("div", { class: "card", lang: card.lang });
  const scope = { ...context, mentions, inputs: [], parent: null, root, renderCardBody };
  root.append(...renderCardBody(card, scope));
  return root;
}

// What a card and the card of a ShowCard action have in common. `scope.inputs` collects the inputs.
function renderCardBody(card, scope) {
  const nodes = renderElements(card.body ?? [], scope);
  if (card.actions?.length) nodes.push(renderActions(card.actions, scope));
  return [...nodes, ...unknownProperties("AdaptiveCard", card, KNOWN.AdaptiveCard)];
}

function renderElements(elements, scope) {
  return elements.map((element) => renderElement(element, scope));
}

function renderElement(element, scope) {
  if (!Object.hasOwn(ELEMENTS, element.type)) return unrendered(element.type);
  const node = framed(ELEMENTS[element.type](element, scope), element);
  node.append(...unknownProperties(element.type, element, KNOWN[element.type]));
  return node;
}

// Enumerations of the format are read without regard to case.
function name(value, standard = "default") {
  return String(value ?? standard).toLowerCase();
}

function framed(node, element) {
  node.classList.add("element", `space-${name(element.spacing)}`);
  if (element.separator) node.classList.add("separated");
  if (name(element.height) === "stretch") node.classList.add("stretch-height");
  if (element.minHeight) node.style.minHeight = element.minHeight;
  if (element.id) node.dataset.element = element.id;
  node.hidden = element.isVisible === false;
  return node;
}

function textStyle(node, run) {
  node.classList.add(`size-${name(run.size)}`, `weight-${name(run.weight)}`, `color-${name(run.color)}`);
  if (run.isSubtle) node.classList.add("subtle");
  if (name(run.fontType) === "monospace") node.classList.add("monospace");
  return node;
}

function textBlock(block, { mentions }) {
  const heading = name(block.style) === "heading";
  const node = textStyle(h("div", { class: "text", role: heading && "heading", "aria-level": heading && "3" }), block);
  node.classList.add(`align-${name(block.horizontalAlignment, "left")}`, block.wrap ? "wrap" : "clip");
  if (block.maxLines) {
    node.classList.add("lines");
    node.style.webkitLineClamp = block.maxLines;
  }
  node.append(...renderCardText(block.text, mentions));
  return node;
}

function richTextBlock(block, scope) {
  const node = h("div", { class: `text wrap align-${name(block.horizontalAlignment, "left")}` });
  for (const run of block.inlines) {
    if (typeof run === "string") node.append(h("span", {}, run));
    else if (run.type === "TextRun") node.append(textRun(run, scope));
    else node.append(unrendered(run.type));
  }
  return node;
}

// A run is literal: no Markdown. Only an Action.OpenUrl makes it a link.
function textRun(run, scope) {
  const opens = run.selectAction?.type === "Action.OpenUrl";
  const node = textStyle(opens ? link(run.selectAction.url, run.text) : h("span", {}, run.text), run);
  for (const style of ["italic", "strikethrough", "underline", "highlight"])
    node.classList.toggle(style, Boolean(run[style]));
  if (run.selectAction && !opens) node.append(unrendered(`TextRun.selectAction ${run.selectAction.type}`));
  node.append(...unknownProperties("TextRun", run, KNOWN.TextRun));
  return node;
}

function factSet(set, { mentions }) {
  const rows = set.facts.map((fact) =>
    h(
      "div",
      { class: "fact" },
      h("dt", {}, renderCardText(fact.title, mentions)),
      h("dd", {}, renderCardText(fact.value, mentions), unknownProperties("Fact", fact, KNOWN.Fact)),
    ),
  );
  return h("dl", { class: "facts" }, rows);
}

function columnSet(set, scope) {
  const columns = set.columns.map((column) => {
    const node = framed(container(column, scope), column);
    const width = String(column.width ?? "stretch").toLowerCase();
    node.classList.add("column");
    if (width === "auto" || width === "stretch") node.classList.add(`width-${width}`);
    else if (width.endsWith("px")) node.style.flex = `0 0 ${width}`;
    else node.style.flex = `${Number(width)} 1 0`;
    node.append(...unknownProperties("Column", column, KNOWN.Column));
    return node;
  });
  return selectable(h("div", { class: `columns style-${name(set.style)}` }, columns), set.selectAction, scope);
}

function container(element, scope) {
  const node = h(
    "div",
    { class: `container style-${name(element.style)}` },
    renderElements(element.items ?? [], scope),
  );
  if (element.verticalContentAlignment) node.classList.add(`middle-${name(element.verticalContentAlignment)}`);
  return selectable(node, element.selectAction, scope);
}

// A whole area that acts: its action becomes a button of its own inside, so that the keyboard finds it.
function selectable(node, action, scope) {
  if (action) node.append(renderActions([{ ...action, title: action.title ?? action.type }], scope));
  return node;
}

function image(element, scope) {
  const shape = name(element.style) === "person" ? "person" : "plain";
  const node = picture(element.url, element.altText ?? "", `size-${name(element.size, "auto")} ${shape}`);
  if (element.width) node.style.width = element.width;
  return selectable(
    h("div", { class: `picture align-${name(element.horizontalAlignment, "left")}` }, node),
    element.selectAction,
    scope,
  );
}
