// Small helpers to build DOM nodes. Text is always set as text, never parsed as HTML.

/** Builds an element: `h("button", { class: "primary", onclick: send }, "Send")`. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A stable hue for a name, so that everybody keeps a color. */
function hueOf(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 360;
  return hash;
}

/** A round avatar with initials; hidden from screen readers, as the name stands beside it. */
export function avatar(name, { bot = false, small = false } = {}) {
  const initials = name
    .split(/\s+/)
    .map((word) => [...word][0] ?? "")
    .join("")
    .slice(0, 2);
  const element = h("span", { class: "avatar", "aria-hidden": "true" }, initials.toUpperCase());
  element.style.setProperty("--hue", hueOf(name));
  element.classList.toggle("avatar-bot", bot);
  element.classList.toggle("avatar-small", small);
  return element;
}

/** Tells a screen reader something, once it has finished its sentence. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** Compares two snowflake ids (decimal strings of up to 64 bits). */
export function compareIds(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
