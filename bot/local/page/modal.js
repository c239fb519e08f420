// The forms a bot opens (Discord calls them modals), in a native dialog: it keeps the focus inside.

import { h } from "./dom.js";
import { renderMarkdown } from "./markdown.js";

const PARAGRAPH = 2;

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
  const make = CONTROLS[control.type] ?? unknown;
  const { input, value } = make(control);
  const description = component.description
    ? h("span", { class: "muted" }, component.description)
    : null;
  const required =
    control.required === false
      ? null
      : h("span", { class: "required", "aria-hidden": "true" }, " *");
  const label = component.label ?? control.label ?? "";
  return {
    element: h(
      "label",
      { class: "field" },
      h("span", { class: "field-name" }, label, required),
      description,
      input,
    ),
    id: control.custom_id,
    value,
  };
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
    input.append(h("option", { value: option.value, selected: option.default }, option.label));
  return {
    input,
    value: () => {
      const chosen = [...input.selectedOptions].map((option) => option.value).filter(Boolean);
      return chosen.length > 0 ? chosen : undefined;
    },
  };
}

function radio(control) {
  const { input } = select({ ...control, max_values: 1 });
  return { input, value: () => input.value || undefined };
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
  22: (control) => select({ max_values: 10, ...control }),
  23: checkbox,
};
