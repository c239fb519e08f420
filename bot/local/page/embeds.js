// Embeds and attachments. Pictures are shown only from this server; others become links.

import { h } from "./dom.js";
import { renderMarkdown } from "./markdown.js";

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

function isOurs(url) {
  return typeof url === "string" && URL.canParse(url) && new URL(url).origin === location.origin;
}

function safeLink(url, text) {
  if (typeof url !== "string" || !/^https?:\/\//.test(url)) return h("span", {}, text);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
}

function resolved(url, attachments) {
  const name = /^attachment:\/\/(.+)$/.exec(url ?? "")?.[1];
  return name ? attachments.find((one) => one.filename === name)?.url : url;
}

/** A picture of this server, or a link to any other. */
export function picture(url, description, className) {
  if (!isOurs(url)) return safeLink(url, description || "Picture");
  return h("img", {
    src: new URL(url).pathname,
    alt: description || "Picture without a description",
    class: className,
    loading: "lazy",
  });
}

/** One attachment: a picture, or a line to download it. */
export function renderAttachment(attachment) {
  if (PICTURES.includes(attachment.content_type)) {
    return h(
      "figure",
      { class: "attachment" },
      picture(attachment.url, attachment.description || attachment.filename, "picture"),
    );
  }
  const size = `${Math.max(1, Math.round(attachment.size / 1024))} KB`;
  return h(
    "div",
    { class: "attachment file" },
    safeLink(attachment.url, attachment.filename),
    h("span", { class: "muted" }, size),
  );
}

/** One embed. */
export function renderEmbed(embed, attachments, nameOf) {
  const text = (value, className) =>
    h("div", { class: className }, renderMarkdown(String(value), nameOf));
  const body = h("div", { class: "embed-body" });
  if (embed.author?.name)
    body.append(h("div", { class: "embed-author" }, safeLink(embed.author.url, embed.author.name)));
  if (embed.title)
    body.append(h("div", { class: "embed-title" }, safeLink(embed.url, embed.title)));
  if (embed.description) body.append(text(embed.description, "embed-description"));
  if (embed.fields?.length) {
    body.append(
      h(
        "dl",
        { class: "embed-fields" },
        embed.fields.map((field) =>
          h(
            "div",
            { class: field.inline ? "embed-field inline" : "embed-field" },
            h("dt", {}, renderMarkdown(field.name, nameOf)),
            h("dd", {}, renderMarkdown(field.value, nameOf)),
          ),
        ),
      ),
    );
  }
  if (embed.image?.url) body.append(picture(resolved(embed.image.url, attachments), "", "picture"));
  if (embed.footer?.text) body.append(h("div", { class: "subtext" }, embed.footer.text));
  const element = h("div", { class: "embed" }, body);
  if (embed.thumbnail?.url)
    element.append(picture(resolved(embed.thumbnail.url, attachments), "", "thumbnail"));
  if (embed.color)
    element.style.setProperty("--stripe", `#${embed.color.toString(16).padStart(6, "0")}`);
  return element;
}
