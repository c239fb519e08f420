// What stands around the messages: the channel's name, channels, members, the language.

import { announce, avatar, h } from "./dom.js";
import { LOCALES, rememberLocale } from "./locales.js";

export class Frame {
  /**
   * @param {import("./store.js").Store} store
   * @param {{open: (channelId: string) => void, view: () => void}} actions
   *   opens a channel; shows the server as the member and in the language of the store
   */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.opened = new Set(); // ids of other servers that are unfolded
    this.members = document.getElementById("members");
    this.members.addEventListener("keydown", (event) => this.memberKey(event));
    this.buildLanguage();
    this.buildPhone();
  }

  draw() {
    const channel = this.store.channel;
    document.getElementById("server-name").textContent = this.store.servers[0].name;
    document.getElementById("channel-name").textContent = channel.direct
      ? channel.name
      : `# ${channel.name}`;
    const place = this.store.servers.find(({ id }) => id === channel.server);
    document.getElementById("channel-topic").textContent =
      place && !place.has_bot
        ? `${place.name} has not added ${this.store.bot.username}; you use it as your own app here`
        : (channel.topic ?? "");
    this.drawChannels();
    this.drawMembers();
  }

  // --- channels

  drawChannels() {
    const [home, ...others] = this.store.servers;
    const of = (server) => this.store.channels.filter((channel) => channel.server === server.id);
    const focused = document.activeElement?.dataset?.channel;
    document.getElementById("channels").replaceChildren(
      ...this.group("Text channels", of(home)),
      ...this.group(
        "Direct messages",
        this.store.channels.filter((channel) => channel.direct),
      ),
      // A server without the bot is worth showing only where the bot has something for it.
      ...others
        .filter(({ id, has_bot }) => has_bot || this.store.commands[id]?.length > 0)
        .map((server) => this.otherServer(server, of(server))),
    );
    if (focused) document.querySelector(`[data-channel="${focused}"]`)?.focus();
  }

  /** Folded away until it is opened, as most people stay at home. */
  otherServer(server, channels) {
    const note = server.has_bot ? null : " (without the bot)";
    const inside = channels.some(({ id }) => id === this.store.channelId);
    return h(
      "details",
      {
        open: inside || this.opened.has(server.id),
        ontoggle: (event) => this.opened[event.target.open ? "add" : "delete"](server.id),
      },
      h("summary", { class: "group" }, server.name, note),
      this.list(channels),
    );
  }

  group(title, channels) {
    if (channels.length === 0) return [];
    return [h("h2", { class: "group" }, title), this.list(channels)];
  }

  list(channels) {
    const entries = channels.map((channel) => h("li", {}, this.entry(channel)));
    return h("ul", { class: "channel-list" }, entries);
  }

  entry(channel) {
    const { store } = this;
    return h(
      "button",
      {
        class: "channel",
        type: "button",
        "aria-current": channel.id === store.channelId ? "page" : null,
        "data-channel": channel.id,
        onclick: () => this.actions.open(channel.id),
      },
      channel.direct
        ? avatar(channel.name, { bot: true, small: true })
        : h("span", { class: "hash", "aria-hidden": "true" }, "#"),
      h("span", { class: "channel-label" }, channel.name),
      channel.nsfw
        ? h("span", { class: "presence", title: "Age-restricted" }, h("span", {}, "18+"))
        : null,
      channel.direct
        ? h(
            "span",
            { class: store.online ? "presence online" : "presence" },
            store.online ? "online" : "offline",
          )
        : null,
      store.unread.has(channel.id)
        ? h("span", { class: "unread" }, h("span", { class: "visually-hidden" }, "unread"))
        : null,
    );
  }

  // --- members

  drawMembers() {
    const focused = document.activeElement?.dataset?.member;
    this.members.replaceChildren(
      ...this.store.members.map((member) => {
        const checked = member.id === this.store.member.id;
        return h(
          "button",
          {
            class: "member",
            type: "button",
            role: "radio",
            "aria-checked": String(checked),
            tabindex: checked ? "0" : "-1",
            "data-member": member.id,
            title: `Speak as ${member.name}`,
            onclick: () => this.choose(member),
          },
          avatar(member.name, { small: true }),
          h("span", { class: "member-name" }, member.name),
        );
      }),
    );
    if (focused) document.querySelector(`[data-member="${focused}"]`)?.focus();
  }

  choose(member) {
    this.store.member = member;
    this.actions.view();
    document.querySelector(`[data-member="${member.id}"]`)?.focus();
    announce(`You are ${member.name} now`);
  }

  memberKey(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...this.members.children];
    const at = buttons.indexOf(document.activeElement);
    buttons[(at + step + buttons.length) % buttons.length].click();
    event.preventDefault();
  }

  // --- the language

  /** Folded away, as it is seldom changed; filled when it is opened. */
  buildLanguage() {
    const select = document.getElementById("language");
    const name = document.getElementById("language-name");
    const draw = () => {
      name.textContent = LOCALES.find(([code]) => code === this.store.locale)[1];
    };
    draw();
    select.closest("details").addEventListener("toggle", (event) => {
      const shown = event.target.open ? LOCALES : [];
      select.replaceChildren(
        ...shown.map(([code, own]) =>
          h("option", { value: code, lang: code, selected: code === this.store.locale }, own),
        ),
      );
    });
    select.addEventListener("change", () => {
      this.store.locale = select.value;
      rememberLocale(select.value);
      draw();
      this.actions.view();
    });
  }

  // --- phone: the channels slide in

  buildPhone() {
    this.menuButton = document.getElementById("menu-button");
    this.menuButton.addEventListener("click", () => this.toggle(!this.isOpen));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.isOpen) return;
      this.toggle(false);
      this.menuButton.focus();
    });
    document.getElementById("scroller").addEventListener("pointerdown", () => this.toggle(false));
  }

  get isOpen() {
    return this.menuButton.getAttribute("aria-expanded") === "true";
  }

  toggle(open) {
    document.getElementById("sidebar").classList.toggle("open", open);
    this.menuButton.setAttribute("aria-expanded", String(open));
    if (open) document.querySelector(".channel[aria-current]")?.focus();
  }
}
