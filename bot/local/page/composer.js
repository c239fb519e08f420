// The box at the bottom: plain messages, and "/" with a picker of the bot's commands.

import { h } from "./dom.js";
import { commandForm } from "./command_form.js";
import { localized } from "./locales.js";

const SUBCOMMAND = 1,
  SUBCOMMAND_GROUP = 2;
const MAX_LENGTH = 2000;

export class Composer {
  /**
   * @param {import("./store.js").Store} store
   * @param {{say: Function, slash: Function, complete: Function}} actions
   */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.root = document.getElementById("composer");
    this.form = null;
    this.active = 0;
    this.build();
  }

  build() {
    this.error = h("p", { class: "failure", role: "alert" });
    this.picker = h("ul", {
      class: "picker",
      id: "picker",
      role: "listbox",
      "aria-label": "Commands",
      hidden: true,
    });
    this.input = h("textarea", {
      id: "input",
      rows: "1",
      maxlength: MAX_LENGTH,
      autocomplete: "off",
      role: "combobox",
      "aria-controls": "picker",
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      oninput: () => this.typed(),
      onkeydown: (event) => this.key(event),
    });
    this.box = h(
      "div",
      { class: "box" },
      this.input,
      h("span", { class: "hint", "aria-hidden": "true" }, h("kbd", {}, "/"), " for commands"),
    );
    this.root.replaceChildren(this.error, this.picker, this.box);
  }

  /** Follows the open channel and what the bot has registered. */
  refresh() {
    const channel = this.store.channel;
    const label = `Message ${channel.direct ? channel.name : `#${channel.name}`}`;
    this.input.placeholder = label;
    this.input.setAttribute("aria-label", `${label}. Type / for commands.`);
    if (!this.picker.hidden) this.typed();
  }

  /** Says what went wrong, until something else is typed. */
  tell(problem) {
    this.error.textContent = problem;
  }

  // --- the picker

  get matches() {
    const typed = /^\/(.*)$/s.exec(this.input.value)?.[1].toLowerCase();
    if (typed === undefined) return [];
    const leaves = this.store
      .commandsOf(1)
      .flatMap((command) => leavesOf(command, this.store.locale));
    const fits = leaves.filter(({ name, label }) =>
      [label, name].some((one) => one.includes(typed.trimEnd()) || typed.startsWith(`${one} `)),
    );
    return fits.sort(
      (a, b) =>
        Number(b.label.startsWith(typed)) - Number(a.label.startsWith(typed)) ||
        a.label.localeCompare(b.label),
    );
  }

  typed() {
    this.error.textContent = "";
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 200)}px`;
    this.active = 0;
    this.drawPicker();
  }

  drawPicker() {
    const open = this.input.value.startsWith("/");
    const matches = this.matches;
    this.picker.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    this.picker.replaceChildren(
      ...matches.map((command, index) =>
        h(
          "li",
          {
            class: "pick",
            id: `pick-${index}`,
            role: "option",
            "aria-selected": String(index === this.active),
            onclick: () => this.pick(command),
          },
          h("span", { class: "command-name" }, `/${command.label}`),
          h("span", { class: "muted" }, command.description),
        ),
      ),
    );
    if (matches.length === 0) {
      const why = this.store.online
        ? "No command begins like that."
        : `${this.store.bot.username} is not connected yet.`;
      this.picker.replaceChildren(h("li", { class: "pick muted", role: "presentation" }, why));
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    this.input.setAttribute("aria-activedescendant", `pick-${this.active}`);
    this.picker.children[this.active].scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.isComposing) return;
    const matches = this.matches;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (matches.length > 0 && step) {
      this.active = (this.active + step + matches.length) % matches.length;
      this.drawPicker();
    } else if (
      matches.length > 0 &&
      ((event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && !event.shiftKey))
    ) {
      this.pick(matches[this.active]);
    } else if (event.key === "Escape" && !this.picker.hidden) {
      this.input.value = "";
      this.typed();
    } else if (event.key === "Enter" && !event.shiftKey) {
      this.say();
    } else return;
    event.preventDefault();
  }

  async say() {
    const content = this.input.value;
    if (content.trim() === "" || content.startsWith("/")) return;
    this.input.value = "";
    this.typed();
    try {
      await this.actions.say(content);
    } catch (problem) {
      this.input.value = content;
      this.tell(problem.message);
    }
  }

  // --- a command being filled

  pick(command) {
    const typed = this.input.value.slice(1);
    this.input.value = "";
    this.typed();
    if (command.options.length === 0) {
      this.actions.slash(command.name, {}).catch((problem) => this.tell(problem.message));
      return;
    }
    const actions = {
      send: async (values) => {
        await this.actions.slash(command.name, values);
        this.close();
      },
      cancel: () => this.close(),
      complete: (focused, values) => this.actions.complete(command.name, focused, values),
    };
    this.form = commandForm(command, actions, this.store.locale);
    this.box.hidden = true;
    this.root.append(this.form);
    const first = this.form.querySelector("textarea:enabled, input:enabled, select:enabled");
    const given = [command.label, command.name].find((one) => typed.startsWith(`${one} `));
    if (given && first?.matches("textarea")) first.value = typed.slice(given.length + 1);
    first?.focus();
  }

  /** Leaves a command half filled, and goes back to the box. */
  close() {
    this.form?.remove();
    this.form = null;
    this.box.hidden = false;
    this.input.focus();
  }
}

/** A command as the invocations it stands for: itself, or each of its subcommands. */
function leavesOf(node, locale, above = { name: "", label: "" }) {
  const name = `${above.name}${node.name}`;
  const label = `${above.label}${localized(node, "name", locale)}`;
  const nested = (node.options ?? []).filter(
    ({ type }) => type === SUBCOMMAND || type === SUBCOMMAND_GROUP,
  );
  if (nested.length > 0) {
    const here = { name: `${name} `, label: `${label} ` };
    return nested.flatMap((child) => leavesOf(child, locale, here));
  }
  const description = localized(node, "description", locale);
  return [{ name, label, description, options: node.options ?? [] }];
}
