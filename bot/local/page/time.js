// Times as Discord writes them; relative ones keep themselves up to date.

const REFRESH_MS = 5000;
const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

function relative(seconds) {
  const away = seconds - Date.now() / 1000;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(away) >= size) ?? ["second", 1];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(
    Math.round(away / length),
    unit,
  );
}

function format(date, options) {
  return new Intl.DateTimeFormat("en", options).format(date);
}

/** `<t:seconds:style>` as an element. */
export function timestamp(seconds, style) {
  const date = new Date(seconds * 1000);
  const element = document.createElement("time");
  element.className = "timestamp";
  if (Number.isNaN(date.getTime())) {
    element.textContent = "Invalid date";
    return element;
  }
  element.dateTime = date.toISOString();
  element.title = format(date, STYLES.F);
  element.textContent = style === "R" ? relative(seconds) : format(date, STYLES[style] ?? STYLES.f);
  if (style === "R") element.dataset.relative = String(seconds);
  return element;
}

/** "Today at 14:03" for a message. */
export function messageTime(iso) {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const text = today
    ? `Today at ${format(date, STYLES.t)}`
    : format(date, { dateStyle: "short", timeStyle: "short" });
  const element = document.createElement("time");
  element.dateTime = iso;
  element.title = format(date, STYLES.F);
  element.textContent = text;
  return element;
}

setInterval(() => {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    element.textContent = relative(Number(element.dataset.relative));
  }
}, REFRESH_MS);
