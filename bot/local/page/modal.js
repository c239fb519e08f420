// The forms a bot opens (Discord calls them modals), in a native dialog: it keeps the focus inside.

import { labelOf } from "./components.js";
import { h } from "./dom.js";
import { renderMarkdown } from "./markdown.js";

const PARAGRAPH = 2;
const CHECKBOX = 23;

/**
 * Shows a form.
 * @param {object} modal Discord's JSON
 * @param {(values: object) => Promise<unknown>} submit rejects with what is wrong
 */
export function openModal(modal, submit) {
  const fields = modal.components.map(field);
  const error = h("p", { class: "failure", role: "alert" });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "modal-title" }, modal.title),
    fields.map(({ element }) => element),
    error,
    h(
      "div",
      { class: "row end" },
      h(
        "button",
        { class: "button secondary", type: "button", onclick: () => dialog.close() },
        "Cancel",
      ),
      h("button", { class: "button primary", type: "submit" }, "Submit"),
    ),
  );
  const dialog = h("dialog", { class: "modal", "aria-labelledby": "modal-title" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(
      fields
        .filter(({ id }) => id)
        .map(({ id, value }) => [id, value()])
        .filter(([, value]) => value !== undefined),
    );
    try {
      await submit(values);
      dialog.close();
    } catch (problem) {
      error.textContent = problem.message;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** One part of a form: its element and, where it is a control, its id and how to read it. */
function field(component) {
  if (component.type === 10)
    return {
      element: h(
        "div",
        { class: "text" },
        renderMarkdown(component.content, () => "@someone"),
      ),
    };
  const control =
    component.type === 18 ? component.component : (component.components?.[0] ?? component);
  const { input, value } = (CONTROLS[control.type] ?? unknown)(control);
  const label = component.label ?? control.label ?? "";
  const star = needed(control)
    ? h("span", { class: "required", "aria-hidden": "true" }, " *")
    : null;
  const description = component.description
    ? h("span", { class: "muted" }, component.description)
    : null;
  const grouped = input.matches("div");
  return {
    element: h(
      grouped ? "fieldset" : "label",
      { class: "field" },
      h(grouped ? "legend" : "span", { class: "field-name" }, label, star),
      description,
      input,
    ),
    id: control.custom_id,
    value,
  };
}

/** Whether something has to be chosen or written; a single box may always stay empty. */
function needed(control) {
  return control.type !== CHECKBOX && control.required !== false;
}

function textInput(control) {
  const properties = {
    required: control.required !== false,
    minlength: control.min_length,
    maxlength: control.max_length,
    placeholder: control.placeholder,
  };
  const input =
    control.style === PARAGRAPH
      ? h("textarea", { ...properties, rows: "5" })
      : h("input", { ...properties, type: "text", autocomplete: "off" });
  input.value = control.value ?? "";
  return { input, value: () => input.value };
}

function select(control) {
  const several = (control.max_values ?? 1) > 1;
  const input = h("select", { multiple: several, required: control.required !== false });
  if (!several) input.append(h("option", { value: "" }, control.placeholder ?? "Choose"));
  for (const option of control.options ?? [])
    input.append(h("option", { value: option.value, selected: option.default }, labelOf(option)));
  return {
    input,
    value: () => {
      const chosen = [...input.selectedOptions].map((option) => option.value).filter(Boolean);
      return chosen.length > 0 ? chosen : undefined;
    },
  };
}

/** Several boxes or dots; a `div`, which `field` puts into a fieldset. */
function group(control, type) {
  const boxes = (control.options ?? []).map((option) =>
    h("input", {
      type,
      name: control.custom_id,
      value: option.value,
      checked: option.default,
      required: type === "radio" && needed(control),
    }),
  );
  const input = h(
    "div",
    { class: "choices" },
    (control.options ?? []).map((option, index) =>
      h("label", { class: "choice" }, boxes[index], h("span", {}, labelOf(option))),
    ),
  );
  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
  return { input, chosen };
}

function radio(control) {
  const { input, chosen } = group(control, "radio");
  return { input, value: () => chosen()[0] };
}

function checkboxes(control) {
  const { input, chosen } = group(control, "checkbox");
  return { input, value: () => (chosen().length > 0 ? chosen() : undefined) };
}

function checkbox(control) {
  const input = h("input", { type: "checkbox", checked: control.default });
  return { input, value: () => input.checked };
}

function unknown() {
  return {
    input: h("p", { class: "muted" }, "(a field this page can't show)"),
    value: () => undefined,
  };
}

const CONTROLS = {
  3: select,
  4: textInput,
  21: radio,
  22: checkboxes,
  23: checkbox,
};
