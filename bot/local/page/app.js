// The page's start: connects the connection, the store and the views.

import { announce, h } from "./dom.js";
import { Composer } from "./composer.js";
import { Frame } from "./frame.js";
import { Live } from "./live.js";
import { localized } from "./locales.js";
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
  openMenu: (message, anchor, point) =>
    openMenu(
      anchor,
      store.commandsOf(3).map((command) => ({
        label: localized(command, "name", store.locale),
        run: () => useMenu(message, command.name),
      })),
      point,
    ),
});

const composer = new Composer(store, {
  say: (content) => live.act("say", { channel: store.channelId, content }),
  slash: async (name, values) => {
    const channel = store.channelId;
    const options = await uploaded(values);
    return noticed(`/${name}`, "slash", { channel, name, options });
  },
  complete: (name, focused, values) =>
    new Promise((resolve, reject) => {
      const options = Object.fromEntries(
        Object.entries(values).filter(([, value]) => !(value instanceof File)),
      );
      begin(
        "slash",
        { channel: store.channelId, name, focused, options },
        { choices: resolve, failed: () => resolve([]) },
      ).catch(reject);
    }),
});

const frame = new Frame(store, { open: openChannel, view });

const live = new Live(receive, drawConnection, view);

// --- interactions

/** Sends the files among the options ahead; in their place stands where they are. */
async function uploaded(values) {
  const options = {};
  for (const [name, value] of Object.entries(values))
    options[name] = value instanceof File ? await upload(value) : value;
  return options;
}

async function upload(file) {
  const path = `/upload?name=${encodeURIComponent(file.name)}`;
  const answer = await fetch(path, { method: "POST", body: file }).catch(() => {
    throw new Error("The file could not be sent. Try again.");
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

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
      if (isNew) frame.drawChannels();
      break;
    }
    case "deleted":
      store.remove(message.channel_id, message.id);
      list.draw();
      break;
    case "bot":
      store.setBot(message);
      frame.drawChannels();
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

// --- what is shown

function view() {
  live.view(store.member.id, store.locale);
}

function drawAll() {
  frame.draw();
  list.drawAll();
  composer.refresh();
}

function openChannel(id) {
  store.channelId = id;
  store.unread.delete(id);
  frame.toggle(false);
  if (composer.form) composer.close();
  drawAll();
  composer.input.focus();
}

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
