// The page's own words and the reader's dates. The words are data: words.en.json and words.ko.json, same keys.

export const LANGUAGES = ["ko", "en"];

let texts = {};
let language = "en";

/** The language of `?lang=`, else the browser's, else English. */
export function preferredLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [asked, ...navigator.languages].filter(Boolean).map((tag) => tag.toLowerCase().split("-")[0]);
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

/** Loads the words of a language and makes it that of the page and of its address. */
export async function useLanguage(tag) {
  const answer = await fetch(`/demo/static/words.${tag}.json`);
  texts = await answer.json();
  language = tag;
  document.documentElement.lang = tag;
  const address = new URL(location.href);
  address.searchParams.set("lang", tag);
  history.replaceState(null, "", address);
}

export function currentLanguage() {
  return language;
}

/** The text of a key, `{name}` replaced by facts. A key without a text shows itself. */
export function word(key, facts = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(facts[name] ?? whole));
}

/** Fills every element below `root` that names its words by `data-word`, `data-word-label` or `data-word-title`. */
export function translate(root) {
  for (const node of root.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of root.querySelectorAll("[data-word-label]")) {
    node.setAttribute("aria-label", word(node.dataset.wordLabel));
  }
}

// The reader's region where the browser knows one for the page's language (en-GB writes times otherwise than en-US).
function locale() {
  return navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === language) ?? language;
}

/** A date in the reader's locale and zone; `options` are those of Intl.DateTimeFormat. */
export function formatDate(date, options) {
  return new Intl.DateTimeFormat(locale(), options).format(date);
}

export const clock = (date) => formatDate(date, { hour: "numeric", minute: "2-digit" });
export const fullDate = (date) => formatDate(date, { dateStyle: "full", timeStyle: "medium" });
export const number = (value) => new Intl.NumberFormat(locale()).format(value);

/** "today", "yesterday", "tomorrow" in the reader's language, or null for any other day. */
export function nearDay(date, now = new Date()) {
  const midnight = (day) => Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
  const days = Math.round((midnight(date) - midnight(now)) / 86_400_000);
  if (Math.abs(days) > 1) return null;
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
}

/** How long ago or ahead, in the largest fitting unit: "5 minutes ago". */
export function relative(date, now = new Date()) {
  const seconds = (date - now) / 1000;
  const [unit, size] = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
    ["second", 1],
  ].find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}
