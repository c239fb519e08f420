// A small menu at a button: message commands. Arrow keys move, Escape closes, focus comes back.

import { h } from "./dom.js";

const GAP_PX = 8; // to the window's edges

/**
 * Opens a menu of `{label, run}`.
 * @param {HTMLElement} anchor gets the focus back
 * @param {{x: number, y: number} | null} point where to open it; null: below the anchor
 */
export function openMenu(anchor, entries, point = null) {
  let open = true;
  const close = (back = true) => {
    if (!open) return; // taking the menu away moves the focus, which would close it again
    open = false;
    document.removeEventListener("pointerdown", outside, true);
    menu.remove();
    if (back) anchor.focus();
  };
  const outside = (event) => !menu.contains(event.target) && close(false);
  const menu = h(
    "div",
    { class: "menu", role: "menu", "aria-label": "Apps" },
    entries.map(({ label, run }) =>
      h(
        "button",
        {
          class: "menu-entry",
          role: "menuitem",
          type: "button",
          onclick: () => {
            close();
            run();
          },
        },
        label,
      ),
    ),
  );
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.children];
    const at = items.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items[(at + step + items.length) % items.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  menu.addEventListener("focusout", (event) => menu.contains(event.relatedTarget) || close(false));
  document.body.append(menu);
  const { bottom, right } = anchor.getBoundingClientRect();
  const top = point?.y ?? bottom;
  const left = point?.x ?? right - menu.offsetWidth;
  const lowest = innerHeight - menu.offsetHeight - GAP_PX;
  const rightmost = innerWidth - menu.offsetWidth - GAP_PX;
  menu.style.top = `${Math.max(GAP_PX, Math.min(top, lowest))}px`;
  menu.style.left = `${Math.max(GAP_PX, Math.min(left, rightmost))}px`;
  document.addEventListener("pointerdown", outside, true);
  menu.firstElementChild.focus();
}
