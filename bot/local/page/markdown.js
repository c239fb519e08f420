// Discord's markdown as DOM nodes. Unknown or broken markup stays visible text; nothing is HTML.

import { h } from "./dom.js";
import { spoiler } from "./spoilers.js";
import { timestamp } from "./time.js";

const MAX_DEPTH = 12;
const FENCE = "```";
const BAR = "||";
const URL_PATTERN = /https?:\/\/[^\s<>"]*[^\s<>"'.,:;!?)\]]/y;
const LINK_PATTERN = /\[([^\[\]\n]+)\]\(<?(https?:\/\/[^\s<>()]+)>?\)/y;
const TAG_PATTERN =
  /<(?:(@[!&]?|#)(\d+)|t:(-?\d{1,13})(?::([tTdDfFR]))?|a?:(\w+):\d+|(https?:\/\/[^\s<>]+))>/y;
const LIST_PATTERN = /^( *)(?:([-*])|(\d{1,3})\.) +(.+)$/;

/**
 * Renders a message's text.
 * @param {string} text
 * @param {(kind: string, id: string) => string} nameOf names a mentioned user, channel or role
 */
export function renderMarkdown(text, nameOf, depth = 0) {
  const fragment = document.createDocumentFragment();
  let rest = text;
  while (rest !== "") {
    const found = firstBlock(rest, depth);
    if (found === null) break;
    const { start, end, mark } = found;
    renderLines(rest.slice(0, start).replace(/\n$/, ""), nameOf, fragment);
    const inner = rest.slice(start + mark.length, end);
    if (mark === FENCE) fragment.append(codeBlock(inner));
    else fragment.append(spoiler([renderMarkdown(inner, nameOf, depth + 1)], "div"));
    rest = rest.slice(end + mark.length).replace(/^\n/, "");
  }
  renderLines(rest, nameOf, fragment);
  return fragment;
}

/** The first fence, or spoiler around whole lines, that also closes; null if there is none. */
function firstBlock(text, depth) {
  const blocks = [FENCE, BAR].map((mark) => {
    const start = mark === FENCE ? text.indexOf(mark) : text.search(/^\|\|/m);
    return { mark, start, end: start < 0 ? -1 : text.indexOf(mark, start + mark.length) };
  });
  const [fence, bar] = blocks;
  const isBar = bar.end > 0 && depth < MAX_DEPTH && text.slice(bar.start, bar.end).includes("\n");
  const isFence = fence.end > 0;
  if (isBar && (!isFence || bar.start < fence.start)) return bar;
  return isFence ? fence : null;
}

function codeBlock(body) {
  const language = /^([\w+#-]+)\n/.exec(body);
  const code = (language ? body.slice(language[0].length) : body).replace(/^\n+|\n+$/g, "");
  return h("pre", { tabindex: "0" }, h("code", { "data-language": language?.[1] }, code));
}

function renderLines(text, nameOf, parent) {
  if (text === "") return;
  const lines = text.split("\n");
  let paragraph = [];
  const flush = () => {
    if (paragraph.length > 0) parent.append(inline("div", paragraph.join("\n"), nameOf));
    paragraph = [];
  };
  for (let index = 0; index < lines.length;) {
    const [node, taken] = block(lines, index, nameOf);
    if (node === null) paragraph.push(lines[index]);
    else {
      flush();
      parent.append(node);
    }
    index += taken;
  }
  flush();
}

/** The block that begins at a line, and how many lines it takes; [null, 1] for plain text. */
function block(lines, index, nameOf) {
  const line = lines[index];
  const heading = /^(#{1,3}) +(\S.*)$/.exec(line);
  if (heading) {
    const level = heading[1].length;
    const node = inline("div", heading[2], nameOf);
    node.className = `heading heading-${level}`;
    node.setAttribute("role", "heading");
    node.setAttribute("aria-level", String(level + 2));
    return [node, 1];
  }
  if (/^-# +\S/.test(line)) {
    const node = inline("div", line.replace(/^-# +/, ""), nameOf);
    node.className = "subtext";
    return [node, 1];
  }
  if (line.startsWith(">>> ")) {
    return [quote([line.slice(4), ...lines.slice(index + 1)], nameOf), lines.length - index];
  }
  if (line.startsWith("> ")) {
    const quoted = takeWhile(lines, index, (candidate) => candidate.startsWith("> "));
    return [
      quote(
        quoted.map((candidate) => candidate.slice(2)),
        nameOf,
      ),
      quoted.length,
    ];
  }
  if (LIST_PATTERN.test(line)) {
    const items = takeWhile(lines, index, (candidate) => LIST_PATTERN.test(candidate));
    return [list(items, nameOf), items.length];
  }
  return [null, 1];
}

function takeWhile(lines, index, condition) {
  let end = index;
  while (end < lines.length && condition(lines[end])) end += 1;
  return lines.slice(index, end);
}

function quote(lines, nameOf) {
  const node = h("blockquote");
  renderLines(lines.join("\n"), nameOf, node);
  return node;
}

function list(lines, nameOf) {
  const first = LIST_PATTERN.exec(lines[0]);
  const root = h(first[3] ? "ol" : "ul", { start: first[3] });
  const levels = [{ indent: first[1].length, element: root }];
  for (const line of lines) {
    const [, spaces, , number, text] = LIST_PATTERN.exec(line);
    while (levels.length > 1 && spaces.length < levels.at(-1).indent) levels.pop();
    const parent = levels.at(-1);
    if (
      spaces.length > parent.indent + 1 &&
      parent.element.lastElementChild &&
      levels.length < MAX_DEPTH
    ) {
      const nested = h(number ? "ol" : "ul", { start: number });
      parent.element.lastElementChild.append(nested);
      levels.push({ indent: spaces.length, element: nested });
    }
    levels.at(-1).element.append(inline("li", text, nameOf));
  }
  return root;
}

// --- inside a line

const STYLES = [
  { mark: "||", wrap: spoiler },
  { mark: "**", wrap: (children) => h("strong", {}, children) },
  { mark: "__", wrap: (children) => h("u", {}, children) },
  { mark: "~~", wrap: (children) => h("s", {}, children) },
  { mark: "*", wrap: (children) => h("em", {}, children) },
  { mark: "_", wrap: (children) => h("em", {}, children) },
];

function inline(tag, text, nameOf) {
  return h(tag, {}, inlineNodes(text, nameOf, 0));
}

function inlineNodes(text, nameOf, depth) {
  const nodes = [];
  const unclosed = new Set(); // marks without a closing one: looked for once, not at every place
  let plain = "";
  let position = 0;
  while (position < text.length) {
    const found = special(text, position, nameOf, depth, unclosed);
    if (found === null) {
      plain += text[position];
      position += 1;
      continue;
    }
    const [node, length] = found;
    if (typeof node === "string") plain += node;
    else {
      if (plain !== "") nodes.push(plain);
      plain = "";
      nodes.push(node);
    }
    position += length;
  }
  if (plain !== "") nodes.push(plain);
  return nodes;
}

/** What stands at a position beside plain text: [node or text, characters taken], or null. */
function special(text, position, nameOf, depth, unclosed) {
  const character = text[position];
  if (character === "\\" && /[^A-Za-z0-9\s]/.test(text[position + 1] ?? "")) {
    return [text[position + 1], 2];
  }
  if (character === "`") return inlineCode(text, position, unclosed);
  if (character === "<") return tag(text, position, nameOf);
  if (character === "[") return maskedLink(text, position, nameOf, depth);
  if (character === "h" && !/\w/.test(text[position - 1] ?? "")) return bareUrl(text, position);
  if (depth >= MAX_DEPTH) return null;
  for (const { mark, wrap } of STYLES) {
    if (!text.startsWith(mark, position) || unclosed.has(mark)) continue;
    const end = closing(text, position, mark);
    if (end === -1) unclosed.add(mark);
    if (end < 0) continue;
    const inner = text.slice(position + mark.length, end);
    return [wrap(inlineNodes(inner, nameOf, depth + 1)), end + mark.length - position];
  }
  return null;
}

/** Where the mark that opens at a position closes; -1: nowhere in the text; -2: it opens nothing. */
function closing(text, position, mark) {
  const single = mark.length === 1;
  const start = position + mark.length;
  if (single && /[\s*]/.test(text[start] ?? " ")) return -2;
  if (mark === "_" && /\w/.test(text[position - 1] ?? "")) return -2;
  for (let index = start; index < text.length; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (single && text.startsWith(mark + mark, index)) index += 1;
    else if (text.startsWith(mark, index) && index > start) {
      while (!single && text[index + mark.length] === mark[0]) index += 1;
      if (mark === "*" && /\s/.test(text[index - 1])) return -2;
      if (mark === "_" && /\w/.test(text[index + 1] ?? "")) continue;
      return index;
    }
  }
  return -1;
}

function inlineCode(text, position, unclosed) {
  const ticks = /^`+/.exec(text.slice(position))[0];
  if (!unclosed.has(ticks)) {
    let end = text.indexOf(ticks, position + ticks.length);
    while (end >= 0 && text[end + ticks.length] === "`") {
      while (text[end] === "`") end += 1;
      end = text.indexOf(ticks, end);
    }
    if (end > 0) {
      const code = text.slice(position + ticks.length, end);
      return [h("code", {}, code), end + ticks.length - position];
    }
    unclosed.add(ticks);
  }
  return [ticks, ticks.length];
}

function match(pattern, text, position) {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

function tag(text, position, nameOf) {
  const found = match(TAG_PATTERN, text, position);
  if (found === null) return null;
  const [all, kind, id, seconds, style, emoji, url] = found;
  if (kind) return [h("span", { class: "mention" }, nameOf(kind, id)), all.length];
  if (seconds) return [timestamp(Number(seconds), style ?? "f"), all.length];
  if (emoji) return [h("span", { class: "emoji" }, `:${emoji}:`), all.length];
  return [link(url, [url]), all.length];
}

function maskedLink(text, position, nameOf, depth) {
  const found = match(LINK_PATTERN, text, position);
  if (found === null || depth >= MAX_DEPTH) return null;
  return [link(found[2], inlineNodes(found[1], nameOf, MAX_DEPTH)), found[0].length];
}

function bareUrl(text, position) {
  const found = match(URL_PATTERN, text, position);
  return found === null ? null : [link(found[0], [found[0]]), found[0].length];
}

function link(url, children) {
  const properties = {
    href: url,
    title: url,
    target: "_blank",
    rel: "noopener noreferrer nofollow",
  };
  return h("a", properties, children);
}
