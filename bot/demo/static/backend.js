// Every request of the page, and the stream of news. What is sent and answered is described in demo.js.

import { currentLanguage, word } from "./words.js";

const RETRY_SECONDS = 3;
const STREAM_EVENTS = ["slack.message", "slack.view", "teams.activity", "teams.dialog", "stats", "scenario", "story"];

export class Backend {
  /** `complain(text)` tells the person that something could not be done. */
  constructor(complain) {
    this.complain = complain;
  }

  async state() {
    const answer = await fetch(`/demo/state?lang=${currentLanguage()}`);
    if (!answer.ok) throw new Error(`/demo/state answered ${answer.status}`);
    return answer.json();
  }

  // The answer, or {error}, which the person has been told.
  async post(path, body) {
    let answer = {};
    try {
      const response = await fetch(`/demo/${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      answer = text ? JSON.parse(text) : {};
      if (!response.ok && !answer.error) answer = { error: word("problem.refused", { status: response.status }) };
    } catch {
      answer = { error: word("problem.unreachable") };
    }
    if (answer.error) this.complain(answer.error);
    return answer;
  }

  say(user, channel, text, threadTs) {
    return this.post("slack/command", { user, channel, text, ...(threadTs ? { thread_ts: threadTs } : {}) });
  }

  act(user, place, action, values) {
    return this.post("slack/action", { user, ...place, action, state: { values } });
  }

  submitView(user, viewId, values) {
    return this.post("slack/submit", { user, view_id: viewId, values });
  }

  suggest(user, viewId, blockId, text) {
    return this.post("slack/options", { user, view_id: viewId, block_id: blockId, text });
  }

  closeView(user, viewId) {
    return this.post("slack/close", { user, view_id: viewId });
  }

  openHome(user) {
    return this.post("slack/home", { user });
  }

  write(user, conversation, message) {
    return this.post("teams/message", { user, conversation, ...message });
  }

  submitCard(user, conversation, activityId, { data, verb, execute }) {
    const body = { user, conversation, activity_id: activityId, data };
    return this.post("teams/submit", execute ? { ...body, verb, execute } : body);
  }

  submitDialog(user, conversation, { data }) {
    return this.post("teams/dialog", { user, conversation, data });
  }

  scenario(step) {
    return this.post("scenario", { do: step });
  }

  /**
   * Listens to the stream. `receive(name, data, id)` for each event, `connected()` whenever it is up, `interrupted()`
   * when it is down; it connects again by itself. Returns a function that ends it.
   */
  listen({ receive, connected, interrupted }) {
    let stream = null;
    let retry = null;
    const open = () => {
      stream = new EventSource(`/demo/stream?lang=${currentLanguage()}`);
      for (const name of STREAM_EVENTS) {
        stream.addEventListener(name, (event) => receive(name, JSON.parse(event.data), Number(event.lastEventId)));
      }
      stream.addEventListener("open", connected);
      stream.addEventListener("error", () => {
        interrupted();
        // The browser tries again after a lost connection, but not after an answer that was no stream.
        if (stream.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_SECONDS * 1000);
      });
    };
    open();
    return () => {
      clearTimeout(retry);
      stream.close();
    };
  }
}
