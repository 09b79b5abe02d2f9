// The commands that a composer suggests: the verbs of `/ticket` in Slack, the same words in Teams. Pure.

import { word } from "./words.js";

const VERBS = [
  "create",
  "list",
  "show",
  "assign",
  "priority",
  "status",
  "note",
  "expert",
  "oncall",
  "escalate",
  "resolve",
  "reopen",
  "help",
];
const ALIASES = { "/assign": "assign", "/escalate": "escalate", "/resolve": "resolve", "/ticket-status": "status" };

function suggestion(command, verb, before = "") {
  const usage = word(`command.${verb}.usage`);
  return {
    insert: `${before}${command}${usage ? " " : ""}`,
    label: command,
    usage,
    description: word(`command.${verb}`),
  };
}

// Those that begin with what is typed, or the one whose arguments are being typed.
function matching(commands, typed) {
  const wanted = typed.toLowerCase();
  return commands.filter(({ label }) => label.startsWith(wanted) || wanted.startsWith(`${label} `));
}

/** For what stands in Slack's composer: slash commands, else people after "@". */
export function suggestInSlack(text, people) {
  if (!text.startsWith("/")) return suggestPeople(text, people);
  const commands = [
    ...VERBS.map((verb) => suggestion(`/ticket ${verb}`, verb)),
    ...Object.entries(ALIASES).map(([alias, verb]) => suggestion(alias, verb)),
  ];
  const named = suggestPeople(text, people);
  return named.length ? named : matching(commands, text);
}

const BOT = "@Deskbell";

/** For what stands in Teams' composer: commands where the bot listens, else the bot and people after "@". */
export function suggestInTeams(text, people, personal) {
  const addressed = text.startsWith(`${BOT} `) ? `${BOT} ` : "";
  const rest = text.slice(addressed.length);
  const named = suggestPeople(text, [...(personal ? [] : [BOT.slice(1)]), ...people]);
  if (named.length) return named;
  if (!addressed && (!personal || !rest)) return [];
  return matching(
    VERBS.map((verb) => suggestion(verb, verb, addressed)),
    rest,
  );
}

function suggestPeople(text, names) {
  const typed = /(^|\s)@([\p{L}\p{N} ]*)$/u.exec(text);
  if (!typed) return [];
  const start = text.length - typed[2].length - 1;
  return names
    .filter((name) => name.toLowerCase().startsWith(typed[2].toLowerCase()))
    .map((name) => ({ insert: `${text.slice(0, start)}@${name} `, label: `@${name}`, usage: "", description: "" }));
}

/** A Teams text split into what is sent: the text without the bot's name, and whether it was there. */
export function splitMention(text) {
  const mention = new RegExp(`(^|\\s)${BOT}(?=\\s|$)`).test(text);
  return { text: mention ? text.replace(BOT, "").replace(/\s+/g, " ").trim() : text, mention };
}
