// The options of a slash command as a form: required ones first, Enter sends, Escape gives up.

import { h } from "./dom.js";
import { localized } from "./locales.js";

const STRING = 3,
  INTEGER = 4,
  BOOLEAN = 5,
  NUMBER = 10,
  ATTACHMENT = 11;
const AUTOCOMPLETE_MS = 200;
const LARGE = 1_000_000; // nobody wants to read such a bound

/**
 * @param {{name: string, label: string, description: string, options: object[]}} command
 *   a command or subcommand; `label` and `description` are in the member's language
 * @param {{send: Function, cancel: Function, complete: Function}} actions
 * @param {string} locale
 */
export function commandForm(command, actions, locale) {
  const options = [...command.options].sort(
    (a, b) => Number(b.required ?? false) - Number(a.required ?? false),
  );
  const context = { complete: actions.complete, values: () => values(), locale };
  const fields = options.map((option) => optionField(option, context));
  const values = () =>
    Object.fromEntries(
      fields.map(({ name, value }) => [name, value()]).filter(([, value]) => value !== undefined),
    );
  const error = h("p", { class: "failure", role: "alert" });
  const form = h(
    "form",
    { class: "command-form", "aria-label": `Command /${command.label}` },
    h(
      "div",
      { class: "command-head" },
      h("span", { class: "command-name" }, `/${command.label}`),
      h("span", { class: "muted" }, command.description),
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-label": "Give up this command",
          onclick: actions.cancel,
        },
        "✕",
      ),
    ),
    h(
      "div",
      { class: "fields" },
      fields.map(({ element }) => element),
    ),
    h(
      "div",
      { class: "command-foot" },
      error,
      h("button", { class: "button primary", type: "submit" }, "Send"),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const send = form.querySelector("[type=submit]");
    send.disabled = true; // a file may take a moment
    try {
      await actions.send(values());
    } catch (problem) {
      error.textContent = problem.message;
    }
    send.disabled = false;
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") actions.cancel();
    else if (
      event.key === "Enter" &&
      !event.shiftKey &&
      !event.isComposing &&
      event.target.matches("input:not([type=file]), select, textarea")
    ) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  return form;
}

function optionField(option, context) {
  const { input, extra, value } = control(option, context);
  const description = localized(option, "description", context.locale);
  const id = `option-${option.name}`;
  input.id = id;
  input.required = Boolean(option.required);
  input.setAttribute("aria-describedby", `${id}-about`);
  const isText = option.type === STRING && option.required && !option.choices?.length;
  const wide = isText || option.type === ATTACHMENT;
  const element = h(
    "div",
    { class: wide ? "field wide" : "field" },
    h(
      "label",
      { for: id, class: "field-name" },
      localized(option, "name", context.locale),
      option.required ? h("span", { class: "required", "aria-hidden": "true" }, " *") : null,
    ),
    input,
    extra,
    h("span", { class: "about", id: `${id}-about`, title: description }, description),
  );
  return { name: option.name, element, value };
}

function control(option, context) {
  if (option.choices?.length)
    return choice(
      option,
      option.choices.map((one) => [localized(one, "name", context.locale), one.value]),
    );
  if (option.type === BOOLEAN)
    return choice(option, [
      ["True", true],
      ["False", false],
    ]);
  if (option.type === INTEGER || option.type === NUMBER) return numeric(option);
  if (option.type === STRING)
    return option.autocomplete ? suggesting(option, context) : text(option);
  if (option.type === ATTACHMENT) return file();
  const input = h("input", {
    type: "text",
    disabled: true,
    placeholder: "not possible on this page",
  });
  return { input, value: () => undefined };
}

function choice(option, entries) {
  const input = h(
    "select",
    {},
    option.required ? null : h("option", { value: "" }, "default"),
    entries.map(([name], index) => h("option", { value: String(index) }, name)),
  );
  return { input, value: () => (input.value === "" ? undefined : entries[Number(input.value)][1]) };
}

function numeric(option) {
  const whole = option.type === INTEGER;
  const input = h("input", {
    type: "number",
    step: whole ? "1" : "any",
    min: option.min_value,
    max: option.max_value,
    inputmode: whole ? "numeric" : "decimal",
    placeholder: range(option),
  });
  return { input, value: () => (input.value === "" ? undefined : Number(input.value)) };
}

function range({ min_value: low, max_value: high }) {
  if (low === undefined && high === undefined) return "default";
  if (high === undefined || high > LARGE) return `${low ?? "any"} or more`;
  return `${low ?? "…"} – ${high}`;
}

function text(option) {
  const properties = {
    minlength: option.min_length,
    maxlength: option.max_length,
    autocomplete: "off",
  };
  const input = option.required
    ? h("textarea", { ...properties, rows: "1" })
    : h("input", { ...properties, type: "text" });
  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight + 2}px`;
  };
  if (option.required) input.addEventListener("input", grow);
  return { input, value: () => (input.value === "" ? undefined : input.value) };
}

function file() {
  const input = h("input", { type: "file" });
  return { input, value: () => input.files[0] };
}

function suggesting(option, { complete, values, locale }) {
  const { input, value } = text({ ...option, required: false });
  const listId = `choices-${option.name}`;
  const extra = h("datalist", { id: listId });
  input.setAttribute("list", listId);
  let timer = null;
  const ask = async () => {
    const choices = await complete(option.name, { ...values(), [option.name]: input.value }).catch(
      () => [],
    );
    extra.replaceChildren(
      ...choices.map((one) =>
        h("option", { value: one.value }, localized(one, "name", locale)),
      ),
    );
  };
  input.addEventListener("focus", ask, { once: true });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, AUTOCOMPLETE_MS);
  });
  return { input, extra, value };
}
