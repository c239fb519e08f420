// Links that lead out of the page, in a new tab; anything but http and https stays text.

import { h } from "./dom.js";

/** A link, or its text alone where the address is none to follow. */
export function safeLink(url, text) {
  if (typeof url !== "string" || !/^https?:\/\//.test(url)) return h("span", {}, text);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
}
