// What is hidden until somebody asks for it: marked text and marked files.

import { h } from "./dom.js";

/** Hides nodes behind a bar; `tag` is "span" inside a line and "div" around blocks. */
export function spoiler(children, tag = "span") {
  const properties = { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler" };
  const element = h(tag, properties, h(tag, {}, children));
  const reveal = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    element.classList.add("revealed");
    for (const name of ["role", "tabindex", "aria-label"]) element.removeAttribute(name);
    element.removeEventListener("click", reveal, true);
    element.removeEventListener("keydown", reveal, true);
  };
  // While it is hidden, a link or a picture in it must not take the click.
  element.addEventListener("click", reveal, true);
  element.addEventListener("keydown", reveal, true);
  return element;
}

const revealed = new Set(); // ids of files: edits draw a message anew

/** Covers a file until it is asked for; once shown, it stays so. */
export function covered(id, element) {
  if (revealed.has(id)) return element;
  const cover = h("div", { class: "cover" });
  const show = () => {
    revealed.add(id);
    cover.replaceWith(element);
    element.querySelector("button, a")?.focus();
  };
  element.inert = true;
  const button = h(
    "button",
    {
      class: "button secondary",
      type: "button",
      onclick: () => {
        element.inert = false;
        show();
      },
    },
    "Show spoiler",
  );
  cover.append(h("div", { class: "covered", "aria-hidden": "true" }, element), button);
  return cover;
}
