// Block Kit's elements: https://docs.slack.dev/reference/block-kit/block-elements
//
// In actions and accessories an element acts at once; in an input block it only holds a value until the form is sent.
// What is handed to `context.act` has the shape of an entry of `actions` in Slack's block_actions payload.

import { h, icon, link, newId, picture, unknownProperties, unrendered, whileBusy } from "./dom.js";
import { toggleMenu } from "./menu.js";
import { renderText } from "./mrkdwn.js";
import { word } from "./words.js";

const COMMON = "type action_id confirm focus_on_load";
const KNOWN = {
  button: "type action_id text url value style confirm accessibility_label",
  overflow: "type action_id options confirm",
  static_select: `${COMMON} placeholder options option_groups initial_option`,
  users_select: `${COMMON} placeholder initial_user`,
  multi_external_select: `${COMMON} placeholder initial_options min_query_length max_selected_items`,
  radio_buttons: `${COMMON} options initial_option`,
  plain_text_input: `${COMMON} placeholder initial_value multiline min_length max_length dispatch_action_config`,
  number_input: `${COMMON} placeholder initial_value is_decimal_allowed min_value max_value dispatch_action_config`,
  image: "type image_url alt_text",
};

const ACTING = {
  button,
  overflow,
  static_select: actingSelect,
  users_select: actingSelect,
  radio_buttons: radioButtons,
  image: (element) => picture(element.image_url, element.alt_text, "accessory-picture"),
};
const HOLDING = {
  static_select: heldSelect,
  users_select: heldSelect,
  multi_external_select: askingSelect,
  radio_buttons: radioButtons,
  plain_text_input: textInput,
  number_input: numberInput,
};

/** An element of a section or of an actions block. */
export function renderElement(element, block, context) {
  return checked(ACTING, element, block, context);
}

/** The element of an input block; `context` has `id` and `describedBy` for its label, hint and error. */
export function renderInputElement(element, block, context) {
  return checked(HOLDING, element, block, { ...context, holding: true });
}

function checked(renderers, element, block, context) {
  if (!Object.hasOwn(renderers, element.type)) return unrendered(element.type);
  const signs = unknownProperties(element.type, element, KNOWN[element.type]);
  const node = renderers[element.type](element, block, context);
  return signs.length ? h("span", {}, node, signs) : node;
}

// Asks first where the element says so, then hands the action over; the node is busy meanwhile.
async function act(node, element, block, context, chosen) {
  if (element.confirm && !(await context.confirm(element.confirm))) return;
  const action = { type: element.type, block_id: block.block_id, action_id: element.action_id, ...chosen };
  await whileBusy(node, () => context.act(action, node));
}

function focusKey(element, block, extra = "") {
  return `${block.block_id}/${element.action_id}/${extra}`;
}

function button(element, block, context) {
  const chosen = { text: element.text, ...(element.value === undefined ? {} : { value: element.value }) };
  const press = () => act(node, element, block, context, chosen);
  const attributes = {
    class: `button ${element.style ?? ""}`,
    "aria-label": element.accessibility_label,
    "data-action": element.action_id,
    "data-focus": focusKey(element, block, element.value),
    onclick: press,
  };
  const label = renderText(element.text, context);
  const node = element.url
    ? link(element.url, label, attributes)
    : h("button", { ...attributes, type: "button" }, label);
  return node;
}

function overflow(element, block, context) {
  const entries = element.options.map(({ text, description, url }) => ({
    label: text.text,
    description: description?.text,
    url,
  }));
  const node = h(
    "button",
    {
      type: "button",
      class: "button overflow",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": word("block.more"),
      "data-action": element.action_id,
      "data-focus": focusKey(element, block),
      onclick: () =>
        toggleMenu(node, word("block.more"), entries, (index) => {
          act(node, element, block, context, { selected_option: element.options[index] });
        }),
    },
    icon("more"),
  );
  return node;
}

function choices(element, context) {
  if (element.type === "users_select") {
    return [...context.users].map(([id, name]) => ({ label: name, chosen: { selected_user: id }, value: id }));
  }
  const groups = element.option_groups ?? [{ options: element.options }];
  return groups.flatMap(({ label, options }) =>
    options.map((option) => ({
      label: option.text.text,
      description: option.description?.text,
      group: label?.text,
      chosen: { selected_option: option },
      value: option.value,
    })),
  );
}

const EMPTY = { users_select: { selected_user: null }, static_select: { selected_option: null } };

function actingSelect(element, block, context) {
  const entries = choices(element, context);
  const initial = element.initial_option?.value ?? element.initial_user;
  let current = entries.find(({ value }) => value === initial);
  const placeholder = element.placeholder?.text ?? word("block.choose");
  const label = h("span", {}, current?.label ?? placeholder);
  const pick = (index) => {
    current = entries[index];
    label.textContent = current.label;
    act(node, element, block, context, current.chosen);
  };
  const node = h(
    "button",
    {
      type: "button",
      class: "button select",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": `${placeholder}: ${current?.label ?? ""}`,
      "data-action": element.action_id,
      "data-focus": focusKey(element, block),
      onclick: () => toggleMenu(node, placeholder, entries, pick),
    },
    label,
    icon("down"),
  );
  hold(element, block, context, node, () => current?.chosen ?? EMPTY[element.type]);
  return node;
}

function hold(element, block, context, node, readValue, problem = () => null) {
  const read = () => ({ type: element.type, ...readValue() });
  context.fields.push({ blockId: block.block_id, actionId: element.action_id, block, node, read, problem });
}

function heldSelect(element, block, context) {
  const entries = choices(element, context);
  const initial = element.initial_option?.value ?? element.initial_user;
  const select = h("select", {
    id: context.id,
    "aria-describedby": context.describedBy,
    autofocus: element.focus_on_load,
  });
  select.append(h("option", { value: "" }, element.placeholder?.text ?? word("block.choose")));
  const groups = new Map();
  entries.forEach((entry, index) => {
    const option = h("option", { value: String(index), selected: entry.value === initial }, entry.label);
    if (!entry.group) return select.append(option);
    if (!groups.has(entry.group)) {
      groups.set(entry.group, h("optgroup", { label: entry.group }));
      select.append(groups.get(entry.group));
    }
    groups.get(entry.group).append(option);
  });
  const chosen = () => (select.value === "" ? EMPTY[element.type] : entries[Number(select.value)].chosen);
  hold(element, block, context, select, chosen, () => select.value === "" && missing(block));
  if (block.dispatch_action) select.addEventListener("change", () => act(select, element, block, context, chosen()));
  return h("span", { class: "select-box" }, select, icon("down"));
}

// The app is asked for the options while the person types; what is ticked stays.
function askingSelect(element, block, context) {
  const chosen = new Map((element.initial_options ?? []).map((option) => [option.value, option]));
  const typed = h("input", {
    id: context.id,
    "aria-describedby": context.describedBy,
    placeholder: element.placeholder?.text,
    autocomplete: "off",
  });
  const list = h("div", { class: "radios" });
  const tick = (option) => {
    const box = h("input", { type: "checkbox", value: option.value, checked: chosen.has(option.value) });
    box.addEventListener("change", () => {
      if (!box.checked) chosen.delete(option.value);
      else if (chosen.size < (element.max_selected_items ?? 100)) chosen.set(option.value, option);
      else box.checked = false;
    });
    return h("label", {}, box, h("span", {}, option.text.text));
  };
  let asked = 0;
  const ask = async () => {
    const turn = ++asked;
    const { options } = await context.suggest(block.block_id, typed.value);
    const others = (options ?? []).filter(({ value }) => !chosen.has(value));
    if (turn === asked) list.replaceChildren(...[...chosen.values(), ...others].map(tick));
  };
  typed.addEventListener("input", ask);
  ask();
  const node = h("div", {}, typed, list);
  const read = () => ({ selected_options: [...chosen.values()] });
  hold(element, block, context, node, read, () => !chosen.size && missing(block));
  return node;
}

function radioButtons(element, block, context) {
  const name = newId("radio");
  const box = h("div", {
    class: "radios",
    role: "radiogroup",
    "aria-labelledby": context.holding && `${context.id}-label`,
    "aria-describedby": context.describedBy,
  });
  for (const option of element.options) {
    const radio = h("input", {
      type: "radio",
      name,
      value: option.value,
      checked: option.value === element.initial_option?.value,
      "data-focus": focusKey(element, block, option.value),
    });
    if (!context.holding || block.dispatch_action) {
      radio.addEventListener("change", () => act(radio, element, block, context, { selected_option: option }));
    }
    const description = option.description && h("small", {}, renderText(option.description, context));
    box.append(h("label", {}, radio, h("span", { class: "mrkdwn" }, renderText(option.text, context), description)));
  }
  const chosen = () => element.options.find(({ value }) => value === box.querySelector("input:checked")?.value) ?? null;
  hold(
    element,
    block,
    context,
    box,
    () => ({ selected_option: chosen() }),
    () => !chosen() && missing(block),
  );
  return box;
}

function missing(block) {
  return block.optional ? null : word("form.required");
}

function textInput(element, block, context) {
  const attributes = {
    id: context.id,
    "aria-describedby": context.describedBy,
    "aria-required": block.optional ? null : "true",
    placeholder: element.placeholder?.text,
    maxlength: element.max_length,
    autofocus: element.focus_on_load,
    rows: element.multiline ? "4" : null,
  };
  const node = h(element.multiline ? "textarea" : "input", attributes);
  node.value = element.initial_value ?? "";
  const problem = () => {
    if (!node.value.trim()) return missing(block);
    const short = element.min_length && node.value.length < element.min_length;
    return short ? word("form.too_short", { count: element.min_length }) : null;
  };
  hold(element, block, context, node, () => ({ value: node.value || null }), problem);
  return node;
}

function numberInput(element, block, context) {
  const node = h("input", {
    id: context.id,
    inputmode: element.is_decimal_allowed ? "decimal" : "numeric",
    "aria-describedby": context.describedBy,
    "aria-required": block.optional ? null : "true",
    placeholder: element.placeholder?.text,
    autofocus: element.focus_on_load,
  });
  node.value = element.initial_value ?? "";
  hold(
    element,
    block,
    context,
    node,
    () => ({ value: node.value.trim() || null }),
    () => numberProblem(node.value.trim(), element, block),
  );
  return node;
}

function numberProblem(text, element, block) {
  if (!text) return missing(block);
  const pattern = element.is_decimal_allowed ? /^-?\d+(\.\d+)?$/ : /^-?\d+$/;
  if (!pattern.test(text)) return word("form.number");
  if (element.min_value !== undefined && Number(text) < Number(element.min_value)) {
    return word("form.at_least", { bound: element.min_value });
  }
  if (element.max_value !== undefined && Number(text) > Number(element.max_value)) {
    return word("form.at_most", { bound: element.max_value });
  }
  return null;
}
