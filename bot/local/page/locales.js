// The languages of Discord's client, and what a command is called in one of them.

/** Discord's locales and their own names. */
export const LOCALES = [
  ["id", "Bahasa Indonesia"],
  ["da", "Dansk"],
  ["de", "Deutsch"],
  ["en-GB", "English, UK"],
  ["en-US", "English, US"],
  ["es-ES", "Español"],
  ["es-419", "Español, LATAM"],
  ["fr", "Français"],
  ["hr", "Hrvatski"],
  ["it", "Italiano"],
  ["lt", "Lietuviškai"],
  ["hu", "Magyar"],
  ["nl", "Nederlands"],
  ["no", "Norsk"],
  ["pl", "Polski"],
  ["pt-BR", "Português do Brasil"],
  ["ro", "Română"],
  ["fi", "Suomi"],
  ["sv-SE", "Svenska"],
  ["vi", "Tiếng Việt"],
  ["tr", "Türkçe"],
  ["cs", "Čeština"],
  ["el", "Ελληνικά"],
  ["bg", "български"],
  ["ru", "Pусский"],
  ["uk", "Українська"],
  ["hi", "हिन्दी"],
  ["th", "ไทย"],
  ["zh-CN", "中文"],
  ["ja", "日本語"],
  ["zh-TW", "繁體中文"],
  ["ko", "한국어"],
];

const CODES = LOCALES.map(([code]) => code);
const BY_LANGUAGE = { en: "en-US", es: "es-ES", pt: "pt-BR", sv: "sv-SE", nb: "no", nn: "no" };
// Where a command has no text in one of these, Discord takes the other.
const FALLBACKS = { "en-US": "en-GB", "en-GB": "en-US", "es-419": "es-ES" };
const KEY = "locale";

/** Discord's locale for a language of the browser, such as "pt-PT"; null for unknown ones. */
function mapped(tag) {
  if (CODES.includes(tag)) return tag;
  const [language, ...rest] = tag.split("-");
  if (language === "zh") return /Hant|TW|HK|MO/.test(rest.join()) ? "zh-TW" : "zh-CN";
  if (language === "es" && rest.length > 0) return "es-419";
  if (CODES.includes(language)) return language;
  return BY_LANGUAGE[language] ?? null;
}

/** The locale that was chosen on this page before, or the browser's. */
export function initialLocale() {
  const chosen = localStorage.getItem(KEY);
  if (CODES.includes(chosen)) return chosen;
  return navigator.languages.map(mapped).find((code) => code !== null) ?? "en-US";
}

/** Keeps a choice for the next time the page opens. */
export function rememberLocale(code) {
  localStorage.setItem(KEY, code);
}

/**
 * A text of a command, an option or a choice in a locale.
 * @param {object} thing Discord's JSON
 * @param {"name" | "description"} field
 * @param {string} locale
 */
export function localized(thing, field, locale) {
  const texts = thing[`${field}_localizations`] ?? {};
  return texts[locale] ?? texts[FALLBACKS[locale]] ?? thing[field];
}
