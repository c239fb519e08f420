// Message components: rows of buttons, selects, and the layout parts of newer messages.

import { h } from "./dom.js";
import { picture } from "./embeds.js";
import { renderMarkdown } from "./markdown.js";

const BUTTON_CLASSES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary" };

/**
 * Renders one component.
 * @param {object} component Discord's JSON
 * @param {{nameOf: Function, use: (customId: string, values: string[] | null) => void}} context
 */
export function renderComponent(component, context) {
  const render = RENDERERS[component.type];
  return render
    ? render(component, context)
    : h("p", { class: "muted" }, "(a component this page can't show)");
}

function children(component, context) {
  return (component.components ?? []).map((child) => renderComponent(child, context));
}

/** A button's emoji. Stop is drawn: not every machine has a font with it. */
function icon(emoji) {
  if (!emoji?.name || emoji.id) return null;
  const drawn = emoji.name.startsWith("\u23f9");
  return h(
    "span",
    { class: drawn ? "icon-stop" : null, "aria-hidden": "true" },
    drawn ? "" : emoji.name,
  );
}

function button(component, context) {
  const label = component.label ?? (component.emoji ? "" : "Button");
  const content = [icon(component.emoji), label];
  const kind = BUTTON_CLASSES[component.style] ?? "secondary";
  const className = `button ${kind}${component.label ? "" : " emoji-only"}`;
  if (component.style === 5) {
    return h(
      "a",
      {
        class: className,
        href: /^https?:/.test(component.url) ? component.url : null,
        target: "_blank",
        rel: "noopener noreferrer",
      },
      content,
      " ↗",
    );
  }
  return h(
    "button",
    {
      class: className,
      type: "button",
      disabled: component.disabled,
      "aria-label": component.label ? null : component.emoji?.name,
      "data-custom-id": component.custom_id,
      onclick: () => context.use(component.custom_id, null),
    },
    content,
  );
}

/** An option's text: browsers show one line of it, so the description goes behind the label. */
export function labelOf({ emoji, label, description }) {
  const marked = emoji?.name && !emoji.id ? `${emoji.name} ${label}` : label;
  return description ? `${marked} – ${description}` : marked;
}

function stringSelect(component, context) {
  const several = (component.max_values ?? 1) > 1;
  const select = h("select", {
    class: "select",
    multiple: several,
    disabled: component.disabled,
    "aria-label": component.placeholder ?? "Choose",
    "data-custom-id": component.custom_id,
  });
  if (!several)
    select.append(
      h("option", { value: "", disabled: true, selected: true }, component.placeholder ?? "Choose"),
    );
  for (const option of component.options ?? []) {
    select.append(h("option", { value: option.value, selected: option.default }, labelOf(option)));
  }
  const chosen = () => [...select.selectedOptions].map((option) => option.value);
  if (!several) {
    select.addEventListener("change", () => context.use(component.custom_id, chosen()));
    return select;
  }
  const send = h(
    "button",
    {
      class: "button secondary",
      type: "button",
      onclick: () => context.use(component.custom_id, chosen()),
    },
    "Send choice",
  );
  return h("div", { class: "row" }, select, send);
}

function container(component, context) {
  const element = h(
    "div",
    { class: "embed container" },
    h("div", { class: "embed-body" }, children(component, context)),
  );
  if (component.accent_color)
    element.style.setProperty(
      "--stripe",
      `#${component.accent_color.toString(16).padStart(6, "0")}`,
    );
  return element;
}

const RENDERERS = {
  1: (component, context) => h("div", { class: "row" }, children(component, context)),
  2: button,
  3: stringSelect,
  9: (component, context) =>
    h(
      "div",
      { class: "section" },
      h("div", {}, children(component, context)),
      component.accessory ? renderComponent(component.accessory, context) : null,
    ),
  10: (component, context) =>
    h("div", { class: "text" }, renderMarkdown(component.content ?? "", context.nameOf)),
  11: (component) => picture(component.media?.url, component.description, "thumbnail"),
  12: (component) =>
    h(
      "div",
      { class: "gallery" },
      (component.items ?? []).map((item) => picture(item.media?.url, item.description, "picture")),
    ),
  14: (component) => h("hr", { class: component.divider === false ? "invisible" : null }),
  17: container,
};
