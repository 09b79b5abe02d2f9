// The inputs of Adaptive Cards: https://adaptivecards.io/explorer/Input.Text.html and its neighbours.
//
// An input is checked when an action is pressed, and again while the person mends what was wrong. Its value is text,
// as Teams sends it; the choices of a multiple selection are joined by commas; an empty one is left out.

import { h, icon, newId, unrendered } from "./dom.js";
import { word } from "./words.js";

const TYPES = { tel: "tel", url: "url", email: "email", password: "password", text: "text" };
const CONTROLS = { "Input.Text": textControl, "Input.Number": numberControl, "Input.ChoiceSet": choiceControl };
// The people of the organisation, filled in by Teams itself.
const PEOPLE = "graph.microsoft.com/users";

/** The element of an input, which is also added to `scope.inputs`. */
export function renderInput(element, scope) {
  const id = newId("card-input");
  const control = CONTROLS[element.type](element, { ...scope, id });
  const error = h("p", { class: "field-error", id: `${id}-error`, role: "alert", hidden: true });
  const box = h("div", { class: "input-block" });
  if (element.label) {
    const star = element.isRequired && h("span", { class: "required", "aria-hidden": "true" }, " *");
    box.append(h("label", { for: control.group ? null : id, id: `${id}-label` }, element.label, star));
  }
  box.append(control.node, error);
  const check = () => {
    const wrong = !box.closest("[hidden]") && !valid(element, control.read());
    error.textContent = wrong ? (element.errorMessage ?? word("form.required")) : "";
    error.hidden = !wrong;
    control.focusable().setAttribute("aria-invalid", String(wrong));
    return !wrong;
  };
  box.addEventListener("input", () => error.hidden || check());
  const focus = () => control.focusable().focus();
  scope.inputs.push({ id: element.id, read: () => control.read() || undefined, check, focus });
  return box;
}

function valid(element, value) {
  if (!value) return !element.isRequired;
  if (element.type === "Input.Number") {
    const amount = Number(value);
    return !Number.isNaN(amount) && amount >= (element.min ?? -Infinity) && amount <= (element.max ?? Infinity);
  }
  return !element.regex || new RegExp(element.regex).test(value);
}

function field(node, element, { id }) {
  node.id = id;
  node.setAttribute("aria-describedby", `${id}-error`);
  if (element.isRequired) node.setAttribute("aria-required", "true");
  if (!element.label) node.setAttribute("aria-label", element.placeholder ?? element.id);
  return node;
}

function single(node, box = node) {
  return { node: box, read: () => node.value.trim(), focusable: () => node };
}

function textControl(element, scope) {
  const shared = { placeholder: element.placeholder, maxlength: element.maxLength };
  const type = TYPES[(element.style ?? "text").toLowerCase()];
  const node = element.isMultiline ? h("textarea", { ...shared, rows: "3" }) : h("input", { ...shared, type });
  node.value = element.value ?? "";
  return single(field(node, element, scope));
}

function numberControl(element, scope) {
  const node = h("input", { type: "number", min: element.min, max: element.max, placeholder: element.placeholder });
  node.value = element.value ?? "";
  return single(field(node, element, scope));
}

function choiceControl(element, scope) {
  const dynamic = element["choices.data"];
  const people = dynamic?.dataset === PEOPLE ? [...scope.people].map(([value, title]) => ({ title, value })) : [];
  const choices = [...(element.choices ?? []), ...people];
  const expanded = (element.style ?? "compact").toLowerCase() === "expanded" || element.isMultiSelect;
  const control = expanded ? boxes(element, choices, scope) : dropDown(element, choices, scope);
  if (dynamic && dynamic.dataset !== PEOPLE) control.node.append(unrendered(`choices.data ${dynamic.dataset}`));
  return control;
}

function dropDown(element, choices, scope) {
  const options = choices.map(({ title, value }) => h("option", { value, selected: value === element.value }, title));
  const empty = h("option", { value: "" }, element.placeholder ?? word("block.choose"));
  const select = field(h("select", {}, empty, options), element, scope);
  return single(select, h("span", { class: "select-box" }, select, icon("down")));
}

function boxes(element, choices, { id }) {
  const chosen = String(element.value ?? "").split(",");
  const type = element.isMultiSelect ? "checkbox" : "radio";
  const rows = choices.map(({ title, value }) =>
    h("label", {}, h("input", { type, name: id, value, checked: chosen.includes(value) }), h("span", {}, title)),
  );
  const node = h(
    "div",
    {
      class: "radios",
      role: element.isMultiSelect ? "group" : "radiogroup",
      "aria-labelledby": element.label ? `${id}-label` : null,
      "aria-describedby": `${id}-error`,
    },
    rows,
  );
  const read = () => [...node.querySelectorAll("input:checked")].map(({ value }) => value).join(",");
  return { node, read, focusable: () => node.querySelector("input") ?? node, group: true };
}
