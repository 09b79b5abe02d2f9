// The actions of Adaptive Cards: https://adaptivecards.io/explorer/Action.Submit.html and its neighbours.

import { h, icon, link, unknownProperties, unrendered, whileBusy } from "./dom.js";
import { toggleMenu } from "./menu.js";
import { word } from "./words.js";

const ACTION = "type id title iconUrl style mode tooltip isEnabled role requires fallback";
const KNOWN = {
  "Action.Submit": `${ACTION} data associatedInputs`,
  "Action.Execute": `${ACTION} data verb associatedInputs`,
  "Action.OpenUrl": `${ACTION} url`,
  "Action.ShowCard": `${ACTION} card`,
  "Action.ToggleVisibility": `${ACTION} targetElements`,
};
const RUN = {
  "Action.Submit": submit,
  "Action.Execute": submit,
  "Action.OpenUrl": ({ url }) => link(url, "").click(),
  "Action.ShowCard": showCard,
  "Action.ToggleVisibility": toggleVisibility,
};
// Teams shows at most six buttons in a row; what is more, or marked secondary, is behind "...".
const SHOWN = 6;

/** A row of actions, with a place below it for the cards that they show. */
export function renderActions(actions, scope) {
  const known = actions.filter(({ type }) => Object.hasOwn(RUN, type));
  const primary = known.filter(({ mode }) => mode !== "secondary");
  const hidden = [...primary.slice(SHOWN), ...known.filter(({ mode }) => mode === "secondary")];
  const row = h("div", { class: "action-row" });
  const below = h("div", { class: "shown-cards" });
  row.append(...primary.slice(0, SHOWN).map((action) => button(action, scope, below)));
  if (hidden.length) row.append(moreButton(hidden, scope, below));
  row.append(...actions.filter((action) => !known.includes(action)).map(({ type }) => unrendered(type)));
  row.append(...known.flatMap((action) => unknownProperties(action.type, action, KNOWN[action.type])));
  return h("div", { class: "element space-default actions" }, row, below);
}

function attributes(action, run) {
  return {
    class: `button ${(action.style ?? "").toLowerCase()}`,
    title: action.tooltip,
    "data-action": action.verb ?? action.data?.action ?? action.id,
    "data-focus": `${action.type}/${action.id ?? action.title}`,
    onclick: run,
  };
}

function button(action, scope, below) {
  if (action.type === "Action.OpenUrl") return link(action.url, action.title, attributes(action));
  const node = h(
    "button",
    {
      ...attributes(action, () => RUN[action.type](action, scope, { node, below })),
      type: "button",
      disabled: action.isEnabled === false,
      "aria-expanded": action.type === "Action.ShowCard" ? "false" : null,
    },
    action.title,
  );
  if (action.type === "Action.ShowCard") prepareCard(action, scope, { node, below });
  return node;
}

function moreButton(actions, scope, below) {
  const entries = actions.map(({ title, url }) => ({ label: title, url }));
  const node = h(
    "button",
    {
      type: "button",
      class: "button overflow",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": word("block.more"),
      "data-focus": "more",
      onclick: () =>
        toggleMenu(node, word("block.more"), entries, (index) => {
          const action = actions[index];
          if (action.type !== "Action.OpenUrl") RUN[action.type](action, scope, { node, below });
        }),
    },
    icon("more"),
  );
  for (const action of actions.filter(({ type }) => type === "Action.ShowCard"))
    prepareCard(action, scope, { node, below });
  return node;
}

// The inputs that go with an action: those of its own card and of the cards around it, not of cards beside it.
function inputsOf(scope) {
  return scope ? [...inputsOf(scope.parent), ...scope.inputs] : [];
}

async function submit(action, scope, { node }) {
  const inputs = action.associatedInputs === "none" ? [] : inputsOf(scope);
  const wrong = inputs.filter((input) => !input.check());
  if (wrong.length) return wrong[0].focus();
  const values = Object.fromEntries(
    inputs.map((input) => [input.id, input.read()]).filter(([, value]) => value !== undefined),
  );
  const data = typeof action.data === "string" ? action.data : { ...action.data, ...values };
  const sent = { data, verb: action.verb, execute: action.type === "Action.Execute" };
  await whileBusy(node, () => scope.submit(sent, node));
}

const panels = new WeakMap();

function prepareCard(action, scope, { below }) {
  const panel = h("div", { class: "shown-card", hidden: true });
  const inner = { ...scope, inputs: [], parent: scope };
  panel.append(...scope.renderCardBody(action.card, inner));
  panels.set(action, panel);
  below.append(panel);
}

function showCard(action, scope, { node, below }) {
  const panel = panels.get(action);
  const show = panel.hidden;
  for (const other of below.children) other.hidden = true;
  for (const other of node.parentElement.querySelectorAll("[aria-expanded=true]"))
    other.setAttribute("aria-expanded", "false");
  panel.hidden = !show;
  node.setAttribute("aria-expanded", String(show));
  if (show) panel.querySelector("input, select, textarea, button")?.focus({ preventScroll: true });
}

function toggleVisibility(action, scope) {
  for (const target of action.targetElements) {
    const id = target.elementId ?? target;
    const node = [...scope.root.querySelectorAll("[data-element]")].find(({ dataset }) => dataset.element === id);
    if (node) node.hidden = target.isVisible === undefined ? !node.hidden : !target.isVisible;
  }
}
