// Embeds, and pictures. Pictures are shown only from this server; others become links.

import { h } from "./dom.js";
import { safeLink } from "./links.js";
import { renderMarkdown } from "./markdown.js";

function isOurs(url) {
  return typeof url === "string" && URL.canParse(url) && new URL(url).origin === location.origin;
}

function resolved(url, attachments) {
  const name = /^attachment:\/\/(.+)$/.exec(url ?? "")?.[1];
  return name ? attachments.find((one) => one.filename === name)?.url : url;
}

/** A picture of this server, or a link to any other. */
export function picture(url, description, className, { width, height } = {}) {
  if (!isOurs(url)) return safeLink(url, description || "Picture");
  return h("img", {
    src: new URL(url).pathname,
    alt: description || "Picture without a description",
    class: className,
    width,
    height,
    loading: "lazy",
  });
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
