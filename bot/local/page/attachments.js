// Files on a message: pictures with a full view, texts with their beginning, others as a line.

import { h } from "./dom.js";
import { picture } from "./embeds.js";
import { safeLink } from "./links.js";
import { covered } from "./spoilers.js";

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const PREVIEW_BYTES = 256 * 1024; // larger texts are only offered for download
const PREVIEW_CHARACTERS = 600;
const texts = new Map(); // url -> its text, as edits draw a message anew

/** One attachment. */
export function renderAttachment(attachment) {
  const type = (attachment.content_type ?? "").split(";")[0];
  const render = PICTURES.includes(type) ? image : type.startsWith("text/") ? text : card;
  const element = h("div", { class: "attachment" }, render(attachment));
  return attachment.filename.startsWith("SPOILER_") ? covered(attachment.id, element) : element;
}

function image(attachment) {
  const alt = attachment.description || attachment.filename;
  const shown = picture(attachment.url, alt, "picture", attachment);
  if (shown.tagName !== "IMG") return shown;
  return h(
    "button",
    {
      class: "picture-button",
      type: "button",
      title: "Open the full picture",
      onclick: () => openPicture(attachment),
    },
    shown,
  );
}

function openPicture(attachment) {
  const dialog = h(
    "dialog",
    {
      class: "lightbox",
      "aria-label": attachment.filename,
      onclick: (event) => event.target === dialog && dialog.close(),
      onclose: () => dialog.remove(),
    },
    h(
      "figure",
      {},
      picture(attachment.url, attachment.description || attachment.filename, "full", attachment),
      attachment.description ? h("figcaption", {}, attachment.description) : null,
    ),
    h(
      "div",
      { class: "row end" },
      safeLink(attachment.url, "Open original"),
      h(
        "button",
        { class: "button secondary", type: "button", onclick: () => dialog.close() },
        "Close",
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("button").focus();
}

function sizeOf({ size }) {
  if (size < 1024) return `${size} bytes`;
  return size < 1024 * 1024 ? `${Math.round(size / 1024)} KB` : `${(size / 1048576).toFixed(1)} MB`;
}

function card(attachment) {
  return h(
    "div",
    { class: "file" },
    safeLink(attachment.url, attachment.filename),
    h("span", { class: "muted" }, sizeOf(attachment)),
    attachment.description ? h("span", { class: "muted" }, attachment.description) : null,
  );
}

function text(attachment) {
  const head = card(attachment);
  if (attachment.size > PREVIEW_BYTES || new URL(attachment.url).origin !== location.origin)
    return head;
  const body = h("pre", { class: "preview", tabindex: "0", "aria-label": attachment.filename });
  const more = h(
    "button",
    { class: "link-button", type: "button", "aria-expanded": "false", hidden: true },
    "Show all",
  );
  const draw = (content) => {
    const open = more.getAttribute("aria-expanded") === "true";
    const long = content.length > PREVIEW_CHARACTERS;
    body.textContent = open || !long ? content : `${content.slice(0, PREVIEW_CHARACTERS)}…`;
    more.hidden = !long;
    more.textContent = open ? "Show less" : "Show all";
  };
  more.addEventListener("click", () => {
    more.setAttribute("aria-expanded", String(more.getAttribute("aria-expanded") !== "true"));
    draw(texts.get(attachment.url));
  });
  load(attachment.url).then(draw, () => body.remove());
  return h("div", { class: "text-file" }, head, body, more);
}

async function load(url) {
  if (!texts.has(url)) {
    const answer = await fetch(new URL(url).pathname);
    if (!answer.ok) throw new Error(`The file could not be read (${answer.status}).`);
    texts.set(url, await answer.text());
  }
  return texts.get(url);
}
