// The emoji names that Deskbell's messages use, as Slack spells them. Any other name stays as it was written.

const TABLE = {
  alarm_clock: "⏰", arrow_down: "⬇️", arrow_right: "➡️", arrow_up: "⬆️", bar_chart: "📊", bell: "🔔", books: "📚",
  bookmark: "🔖", bug: "🐛", bulb: "💡", bust_in_silhouette: "👤", busts_in_silhouette: "👥", calendar: "📆",
  chart_with_downwards_trend: "📉", chart_with_upwards_trend: "📈", checkered_flag: "🏁", clipboard: "📋",
  clock1: "🕐", clock3: "🕒", construction: "🚧", crown: "👑", desktop_computer: "🖥️", double_vertical_bar: "⏸️",
  exclamation: "❗", eyes: "👀", fire: "🔥", fire_engine: "🚒", gear: "⚙️", globe_with_meridians: "🌐",
  green_heart: "💚", grey_question: "❔", hammer_and_wrench: "🛠️", heavy_check_mark: "✔️", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", inbox_tray: "📥", information_source: "ℹ️", label: "🏷️", large_blue_circle: "🔵",
  large_green_circle: "🟢", large_orange_circle: "🟠", large_yellow_circle: "🟡", link: "🔗", lock: "🔒", mag: "🔍",
  mega: "📣", memo: "📝", moneybag: "💰", office: "🏢", "+1": "👍", pager: "📟", page_facing_up: "📄", pray: "🙏",
  pushpin: "📌", question: "❓", radio_button: "🔘", raising_hand: "🙋", red_circle: "🔴", repeat: "🔁", robot_face: "🤖",
  rocket: "🚀", rotating_light: "🚨", satellite_antenna: "📡", siren: "🚨", sleeping: "😴", smile: "😄",
  sos: "🆘", speech_balloon: "💬", spiral_note_pad: "🗒️", star: "⭐", star2: "🌟", stopwatch: "⏱️", tada: "🎉",
  telephone_receiver: "📞", thumbsup: "👍", thumbsdown: "👎", ticket: "🎫", tools: "🛠️", unlock: "🔓", warning: "⚠️",
  wave: "👋", white_check_mark: "✅", white_circle: "⚪", wrench: "🔧", x: "❌", zap: "⚡", zzz: "💤",
};

/** The emoji of a Slack name (without colons), or null. */
export function emoji(name) {
  return Object.hasOwn(TABLE, name) ? TABLE[name] : null;
}

/** The text with every `:name:` of the table replaced. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emoji(name) ?? whole);
}
