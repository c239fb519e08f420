// The list of messages: draws each, redraws it when it changes, keeps focus and scroll position.

import { announce, avatar, h } from "./dom.js";
import { renderComponent } from "./components.js";
import { renderAttachment } from "./attachments.js";
import { renderEmbed } from "./embeds.js";
import { renderMarkdown } from "./markdown.js";
import { messageTime } from "./time.js";

const SUPPRESS_EMBEDS = 1 << 2;
const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const GROUP_MS = 7 * 60 * 1000;
const QUIET_MS = 2500; // a reply that grew is read out once it has rested this long
const NEAR_BOTTOM_PX = 80;

export class MessageList {
  /**
   * @param {import("./store.js").Store} store
   * @param {{use: Function, openMenu: Function}} actions what buttons and menus do
   */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.list = document.getElementById("messages");
    this.scroller = document.getElementById("scroller");
    this.notices = []; // commands that were sent and have no reply yet
    this.failures = new Map(); // message id -> what went wrong with a click on it
    this.quietTimers = new Map();
    const stay = () => this.following && this.toBottom();
    this.following = true;
    this.scroller.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = this.scroller;
      this.following = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
    });
    new ResizeObserver(stay).observe(this.scroller);
    new ResizeObserver(stay).observe(this.list);
  }

  toBottom() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Draws everything anew. */
  drawAll() {
    this.following = true;
    this.list.replaceChildren();
    this.draw();
    this.toBottom();
  }

  /** Draws what changed; elements of unchanged messages stay as they are. */
  draw(changedId = null) {
    const focused = document.activeElement?.closest?.("[data-message-id]")?.dataset.messageId;
    const focusedId = document.activeElement?.dataset?.customId;
    const known = new Map([...this.list.children].map((item) => [item.dataset.messageId, item]));
    const items = [];
    let previous = null;
    for (const message of this.store.shown) {
      const grouped = belongsTo(previous, message);
      const old = known.get(message.id);
      const keep = old && message.id !== changedId && old.classList.contains("grouped") === grouped;
      items.push(keep ? old : this.item(message, grouped));
      previous = message;
    }
    const { channelId, member } = this.store;
    const notices = this.notices.filter(
      (one) => one.channelId === channelId && one.memberId === member.id,
    );
    if (items.length === 0 && notices.length === 0) items.push(this.welcome());
    items.push(...notices.map((notice) => this.notice(notice)));
    // Moving an element takes its focus, so only what is not in place is touched.
    items.forEach((item, index) => {
      if (this.list.children[index] !== item)
        this.list.insertBefore(item, this.list.children[index] ?? null);
    });
    while (this.list.children.length > items.length) this.list.lastElementChild.remove();
    if (focused !== undefined && focused === changedId) this.restoreFocus(focused, focusedId);
  }

  restoreFocus(messageId, customId) {
    const item = this.list.querySelector(`[data-message-id="${CSS.escape(messageId)}"]`);
    const same = customId && item?.querySelector(`[data-custom-id="${CSS.escape(customId)}"]`);
    (same || item)?.focus({ preventScroll: true });
  }

  /** A message is new or has grown: draws it, and says so to a screen reader, but not each edit. */
  changed(message, isNew) {
    if (message.channel_id !== this.store.channelId) return;
    const interaction = message.interaction_metadata?.id;
    this.notices = this.notices.filter(
      (notice) => notice.interaction !== interaction || !interaction,
    );
    this.failures.delete(message.id);
    this.draw(message.id);
    const author = message.author.global_name ?? message.author.username;
    if (isNew && message.flags & LOADING) announce(`${author} is thinking`);
    clearTimeout(this.quietTimers.get(message.id));
    if (message.flags & LOADING) return;
    const speak = () => {
      this.quietTimers.delete(message.id);
      announce(`${author}: ${message.content || "a message without text"}`);
    };
    if (isNew) speak();
    else this.quietTimers.set(message.id, setTimeout(speak, QUIET_MS));
  }

  // --- one message

  item(message, grouped) {
    const name = message.author.global_name ?? message.author.username;
    const ephemeral = Boolean(message.flags & EPHEMERAL);
    const classes = ["message", grouped ? "grouped" : "", ephemeral ? "ephemeral" : ""];
    return h(
      "li",
      {
        class: classes.join(" ").trim(),
        "data-message-id": message.id,
        tabindex: "-1",
        oncontextmenu: (event) => this.rightClick(event, message),
      },
      this.usedCommand(message),
      h(
        "div",
        { class: "message-row" },
        grouped ? h("span", { class: "gutter" }) : avatar(name, { bot: message.author.bot }),
        h(
          "div",
          { class: "message-body" },
          grouped
            ? null
            : h(
                "div",
                { class: "message-head" },
                h("span", { class: "author" }, name),
                message.author.bot ? h("span", { class: "tag" }, "BOT") : null,
                messageTime(message.timestamp),
              ),
          this.content(message),
          this.failures.has(message.id)
            ? h("p", { class: "failure", role: "alert" }, this.failures.get(message.id))
            : null,
          ephemeral ? this.onlyYou(message) : null,
        ),
        this.menuButton(message),
      ),
    );
  }

  usedCommand(message) {
    const used = message.interaction_metadata;
    if (!used?.name) return null;
    const name = used.user.global_name ?? used.user.username;
    const slash = (used.command_type ?? 1) === 1 ? "/" : "";
    return h(
      "div",
      { class: "used" },
      h("span", { class: "hook", "aria-hidden": "true" }),
      avatar(name, { small: true }),
      h("span", { class: "author" }, name),
      " used ",
      h("span", { class: "command-name" }, slash + used.name),
    );
  }

  content(message) {
    if (message.flags & LOADING) {
      const name = message.author.global_name ?? message.author.username;
      return h(
        "div",
        { class: "thinking" },
        h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
        `${name} is thinking…`,
      );
    }
    const nameOf = (kind, id) => this.store.nameOf(kind, id);
    const context = {
      nameOf,
      use: (customId, values) => this.actions.use(message, customId, values),
    };
    const embeds = message.flags & SUPPRESS_EMBEDS ? [] : (message.embeds ?? []);
    const edited = message.edited_timestamp && !message.interaction_metadata;
    return [
      message.content
        ? h(
            "div",
            { class: "text" },
            renderMarkdown(message.content, nameOf),
            edited ? h("span", { class: "muted edited" }, "(edited)") : null,
          )
        : null,
      ...(message.attachments ?? []).map(renderAttachment),
      ...embeds.map((embed) =>
        renderEmbed(embed, message.attachments ?? [], nameOf),
      ),
      ...(message.components ?? []).map((component) => renderComponent(component, context)),
    ];
  }

  onlyYou(message) {
    const dismiss = () => {
      this.store.dismissed.add(message.id);
      this.draw();
      this.scroller.focus();
    };
    return h(
      "div",
      { class: "only-you" },
      "Only you can see this · ",
      h("button", { class: "link-button", type: "button", onclick: dismiss }, "Dismiss"),
    );
  }

  hasMenu(message) {
    return this.store.commandsOf(3).length > 0 && !(message.flags & LOADING);
  }

  /** A right click, a long press or the menu key opens the apps; links keep the browser's menu. */
  rightClick(event, message) {
    if (!this.hasMenu(message) || event.target.closest("a, input, select")) return;
    if (!getSelection().isCollapsed) return;
    event.preventDefault();
    const button = event.currentTarget.querySelector(".more");
    const byMouse = event.clientX > 0 || event.clientY > 0;
    this.actions.openMenu(message, button, byMouse ? { x: event.clientX, y: event.clientY } : null);
  }

  menuButton(message) {
    if (!this.hasMenu(message)) return null;
    return h(
      "button",
      {
        class: "icon-button more",
        type: "button",
        "aria-haspopup": "menu",
        "aria-label": "Apps for this message",
        onclick: (event) => this.actions.openMenu(message, event.currentTarget, null),
      },
      "⋯",
    );
  }

  // --- beside messages

  welcome() {
    const channel = this.store.channel;
    return h(
      "li",
      { class: "welcome" },
      h(
        "p",
        { class: "welcome-title" },
        channel?.direct ? `You and ${channel.name}` : `Welcome to #${channel?.name}`,
      ),
      h("p", { class: "muted" }, "Type / to see what the bot can do."),
    );
  }

  notice(notice) {
    const dismiss = () => {
      this.notices = this.notices.filter((other) => other !== notice);
      this.draw();
    };
    return h(
      "li",
      { class: "notice" },
      avatar(this.store.bot.username, { bot: true }),
      notice.error
        ? h(
            "p",
            { class: "failure", role: "alert" },
            notice.error,
            " ",
            h("button", { class: "link-button", type: "button", onclick: dismiss }, "Dismiss"),
          )
        : h("p", { class: "muted" }, `Sending ${notice.label}…`),
    );
  }
}

/** Whether a message goes on where the previous one ended: same author, soon after, no header. */
function belongsTo(previous, message) {
  if (previous === null || message.interaction_metadata?.name) return false;
  const apart = new Date(message.timestamp) - new Date(previous.timestamp);
  const sameKind = (previous.flags & EPHEMERAL) === (message.flags & EPHEMERAL);
  return previous.author.id === message.author.id && apart < GROUP_MS && sameKind;
}
