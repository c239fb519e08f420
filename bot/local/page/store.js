// What the page knows: channels, messages, commands. Changed by the connection, read by the views.

import { compareIds } from "./dom.js";
import { initialLocale } from "./locales.js";

export class Store {
  constructor() {
    this.servers = []; // the first one is home
    this.locale = initialLocale();
    this.member = { id: "", name: "" };
    this.members = [];
    this.channels = [];
    this.channelId = "";
    this.messages = new Map(); // channel id -> messages, oldest first
    this.unread = new Set();
    this.bot = null;
    this.online = false;
    this.commands = {}; // server id -> commands; "" for direct messages
    this.dismissed = new Set();
  }

  /** Takes over a complete snapshot: after connecting, and after switching the member. */
  reset(hello) {
    const previous = this.channel;
    this.servers = hello.servers;
    this.members = hello.members;
    this.member = hello.members.find((member) => member.id === hello.member);
    this.channels = hello.channels;
    this.messages = new Map(hello.channels.map((channel) => [channel.id, channel.messages]));
    const same = this.channels.find(
      (channel) => channel.id === this.channelId || (previous?.direct && channel.direct),
    );
    this.channelId = (same ?? this.channels[0]).id;
    this.unread.clear();
    this.setBot(hello);
  }

  setBot({ bot, online, commands }) {
    this.bot = bot;
    this.online = online;
    this.commands = commands;
  }

  get channel() {
    return this.channels.find((channel) => channel.id === this.channelId);
  }

  get shown() {
    const all = this.messages.get(this.channelId) ?? [];
    return all.filter((message) => !this.dismissed.has(message.id));
  }

  /** The commands of the open channel: type 1 is a slash command, type 3 a message menu. */
  commandsOf(type) {
    const commands = this.commands[this.channel?.server] ?? [];
    return commands.filter((command) => command.type === type);
  }

  /** Puts a message in its place; returns whether it is a new one. */
  put(message) {
    const list = this.messages.get(message.channel_id);
    if (list === undefined) return false;
    const index = list.findIndex((known) => known.id === message.id);
    if (index >= 0) {
      list[index] = message;
      return false;
    }
    list.push(message);
    list.sort((a, b) => compareIds(a.id, b.id));
    if (message.channel_id !== this.channelId) this.unread.add(message.channel_id);
    return true;
  }

  remove(channelId, id) {
    const list = this.messages.get(channelId) ?? [];
    this.messages.set(
      channelId,
      list.filter((message) => message.id !== id),
    );
  }

  /** The name behind a mention such as `<@1>`, `<#2>`, `<@&3>`. */
  nameOf(kind, id) {
    if (kind === "#") {
      const channel = this.channels.find((candidate) => candidate.id === id);
      return `#${channel?.name ?? "unknown"}`;
    }
    if (kind === "@&") return "@role";
    const people = [...this.members, { id: this.bot?.id, name: this.bot?.username }];
    return `@${people.find((person) => person.id === id)?.name ?? "unknown"}`;
  }
}
