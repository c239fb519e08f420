// The page's start: connects the connection, the store and the views.

import { announce, avatar, h } from "./dom.js";
import { Composer } from "./composer.js";
import { Live } from "./live.js";
import { openMenu } from "./menu.js";
import { MessageList } from "./messages.js";
import { openModal } from "./modal.js";
import { Store } from "./store.js";

const NO_ANSWER = "The application did not respond";
const FAILED = "This interaction failed";

const store = new Store();
const waiting = new Map(); // interaction id -> what to do with its answer

const list = new MessageList(store, {
  use: (message, customId, values) => {
    const fields = { channel: message.channel_id, message: message.id, custom_id: customId };
    const failed = (text) => {
      list.failures.set(message.id, text);
      list.draw(message.id);
    };
    begin("component", values ? { ...fields, values } : fields, {
      failed: () => failed(FAILED),
    }).catch((problem) => failed(problem.message));
  },
  openMenu: (message, anchor) =>
    openMenu(
      anchor,
      store.commandsOf(3).map((command) => ({
        label: command.name,
        run: () => useMenu(message, command.name),
      })),
    ),
});

const composer = new Composer(store, {
  say: (content) => live.act("say", { channel: store.channelId, content }),
  slash: (name, options) =>
    noticed(`/${name}`, "slash", { channel: store.channelId, name, options }),
  complete: (name, focused, options) =>
    new Promise((resolve, reject) => {
      begin(
        "slash",
        { channel: store.channelId, name, focused, options },
        { choices: resolve, failed: () => resolve([]) },
      ).catch(reject);
    }),
});

const live = new Live(receive, drawConnection);

// --- interactions

/** Sends an action that begins an interaction, and remembers what to do with its answer. */
async function begin(type, fields, handlers) {
  const interaction = await live.act(type, fields);
  waiting.set(interaction, handlers);
  return interaction;
}

/** The same for commands: until there is a reply, a line under the messages says so. */
async function noticed(label, type, fields) {
  const notice = {
    label,
    channelId: store.channelId,
    memberId: store.member.id,
    interaction: null,
    error: null,
  };
  const redraw = () => {
    list.draw();
    if (list.following) list.toBottom();
  };
  const remove = () => {
    list.notices = list.notices.filter((other) => other !== notice);
    redraw();
  };
  list.notices.push(notice);
  redraw();
  try {
    notice.interaction = await begin(type, fields, {
      done: remove,
      failed: () => {
        notice.error = NO_ANSWER;
        redraw();
      },
    });
  } catch (problem) {
    remove();
    throw problem;
  }
}

function useMenu(message, name) {
  const fields = { channel: message.channel_id, message: message.id, name };
  noticed(name, "menu", fields).catch((problem) => composer.tell(problem.message));
}

function answered(answer) {
  const handlers = waiting.get(answer.interaction);
  if (handlers === undefined) return;
  waiting.delete(answer.interaction);
  if (answer.type === "unanswered") {
    handlers.failed();
    announce(NO_ANSWER);
    return;
  }
  handlers.done?.();
  handlers.choices?.(answer.choices);
  if (answer.modal) showModal(answer);
}

function showModal({ interaction, modal }) {
  openModal(modal, (values) =>
    begin(
      "modal",
      { interaction, values },
      {
        failed: () => announce(NO_ANSWER),
      },
    ),
  );
}

// --- what the server pushes

function receive(message) {
  switch (message.type) {
    case "hello":
      store.reset(message);
      drawAll();
      break;
    case "message": {
      const isNew = store.put(message.message);
      list.changed(message.message, isNew);
      if (isNew) drawChannels();
      break;
    }
    case "deleted":
      store.remove(message.channel_id, message.id);
      list.draw();
      break;
    case "bot":
      store.setBot(message);
      drawChannels();
      composer.refresh();
      list.drawAll();
      break;
    case "answered":
    case "unanswered":
      answered(message);
      break;
    default:
      throw new Error(`The server pushed ${message.type}, which this page does not know.`);
  }
}

// --- drawing what stands around the messages

function drawAll() {
  const channel = store.channel;
  document.getElementById("server-name").textContent = store.server;
  document.getElementById("channel-name").textContent = channel.direct
    ? channel.name
    : `# ${channel.name}`;
  document.getElementById("channel-topic").textContent = channel.topic ?? "";
  drawChannels();
  drawMembers();
  list.drawAll();
  composer.refresh();
}

function drawChannels() {
  const entry = (channel) =>
    h(
      "li",
      {},
      h(
        "button",
        {
          class: "channel",
          type: "button",
          "aria-current": channel.id === store.channelId ? "page" : null,
          "data-channel": channel.id,
          onclick: () => openChannel(channel.id),
        },
        channel.direct
          ? avatar(channel.name, { bot: true, small: true })
          : h("span", { class: "hash", "aria-hidden": "true" }, "#"),
        h("span", { class: "channel-label" }, channel.name),
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
      ),
    );
  const group = (title, channels) => [
    h("h2", { class: "group" }, title),
    h("ul", { class: "channel-list" }, channels.map(entry)),
  ];
  const focused = document.activeElement?.dataset?.channel;
  document.getElementById("channels").replaceChildren(
    ...group(
      "Text channels",
      store.channels.filter((channel) => !channel.direct),
    ),
    ...group(
      "Direct messages",
      store.channels.filter((channel) => channel.direct),
    ),
  );
  if (focused) document.querySelector(`[data-channel="${focused}"]`)?.focus();
}

function openChannel(id) {
  store.channelId = id;
  store.unread.delete(id);
  toggleSidebar(false);
  if (composer.form) composer.close();
  drawAll();
  composer.input.focus();
}

function drawMembers() {
  const choose = (member) => {
    live.view(member.id);
    document.querySelector(`[data-member="${member.id}"]`)?.focus();
    announce(`You are ${member.name} now`);
  };
  const group = document.getElementById("members");
  const focused = document.activeElement?.dataset?.member;
  group.replaceChildren(
    ...store.members.map((member) => {
      const checked = member.id === store.member.id;
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
          onclick: () => choose(member),
        },
        avatar(member.name, { small: true }),
        h("span", { class: "member-name" }, member.name),
      );
    }),
  );
  if (focused) document.querySelector(`[data-member="${focused}"]`)?.focus();
}

document.getElementById("members").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...event.currentTarget.children];
  const at = buttons.indexOf(document.activeElement);
  buttons[(at + step + buttons.length) % buttons.length].click();
  event.preventDefault();
});

// --- phone: the channels slide in

const menuButton = document.getElementById("menu-button");

function toggleSidebar(open) {
  document.getElementById("sidebar").classList.toggle("open", open);
  menuButton.setAttribute("aria-expanded", String(open));
  if (open) document.querySelector(".channel[aria-current]")?.focus();
}

menuButton.addEventListener("click", () =>
  toggleSidebar(menuButton.getAttribute("aria-expanded") !== "true"),
);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || menuButton.getAttribute("aria-expanded") !== "true") return;
  toggleSidebar(false);
  menuButton.focus();
});
document.getElementById("scroller").addEventListener("pointerdown", () => toggleSidebar(false));

// --- the connection

let countdown = null;

function drawConnection({ open, retryAt }) {
  const banner = document.getElementById("banner");
  clearInterval(countdown);
  banner.hidden = open;
  if (open) return;
  for (const [, handlers] of waiting) handlers.failed();
  waiting.clear();
  const when = h("span");
  const tick = () => {
    const seconds = Math.max(0, Math.round((retryAt - Date.now()) / 1000));
    when.textContent = seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again…";
  };
  countdown = setInterval(tick, 500);
  tick();
  banner.replaceChildren(
    "The connection to the local Discord was lost. ",
    h("span", { "aria-hidden": "true" }, when),
    " ",
    h("button", { class: "link-button", type: "button", onclick: () => live.open() }, "Try now"),
  );
}
