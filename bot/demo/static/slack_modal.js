// Slack's modals: shown over the Slack app, checked in the browser as Slack's client does (required fields, lengths,
// bounds), then sent; the answer may close it, put errors below fields by block_id, or replace the view.

import { readValues, renderBlocks } from "./block_kit.js";
import { openDialog } from "./dialog.js";
import { h, unknownProperties, whileBusy } from "./dom.js";
import { word } from "./words.js";

// The second line is what Slack itself adds to a view.
export const VIEW =
  "type callback_id title submit close blocks private_metadata clear_on_close notify_on_close external_id " +
  "submit_disabled id team_id app_id bot_id hash state root_view_id previous_view_id app_installed_team_id";

export class SlackModal {
  /** `app` is the element to cover; `contextFor(fields, viewId)` makes the block context; `backend` sends. */
  constructor(app, contextFor, backend) {
    this.app = app;
    this.contextFor = contextFor;
    this.backend = backend;
    this.open = new Map(); // user -> the view on their screen
    this.dialog = null;
    this.viewId = null;
    this.fields = [];
  }

  /** A view of one of the people: opened, changed, or closed where there is none. */
  receive({ user, view_id: viewId, view, errors }) {
    if (view) this.open.set(user, { viewId, view });
    else this.open.delete(user);
    if (user !== this.user) return;
    if (view) this.show(viewId, view, errors);
    else this.close();
  }

  /** Shows the screen of another person. */
  actAs(user) {
    if (user === this.user) return;
    this.close();
    this.user = user;
    const waiting = this.open.get(user);
    if (waiting) this.show(waiting.viewId, waiting.view);
  }

  /** Opens a view or replaces the one that is open. Typed values stay. */
  show(viewId, view, errors) {
    const typed = this.viewId === viewId ? this.fields : [];
    this.close();
    this.viewId = viewId;
    this.fields = [];
    const blocks = renderBlocks(view.blocks, this.contextFor(this.fields, viewId));
    const body = h("div", { class: "dialog-body" }, blocks, unknownProperties("view", view, VIEW));
    const form = h("form", { novalidate: true, class: "dialog-form", onsubmit: (event) => this.submit(event) });
    form.append(body, this.footer(view));
    const onClose = () => this.dismiss();
    this.dialog = openDialog(this.app, { title: view.title.text, kind: "modal", content: [form], onClose });
    for (const old of typed) this.keep(old);
    this.showErrors(errors ?? {});
  }

  footer(view) {
    const leave = () => this.dismiss();
    const foot = h("footer", { class: "dialog-foot" });
    foot.append(
      h("button", { type: "button", class: "button", onclick: leave }, view.close?.text ?? word("dialog.close")),
    );
    if (view.submit) foot.append(h("button", { class: "button primary" }, view.submit.text));
    return foot;
  }

  keep(old) {
    const same = this.fields.find(({ blockId, actionId }) => blockId === old.blockId && actionId === old.actionId);
    if (same && "value" in same.node && "value" in old.node) same.node.value = old.node.value;
  }

  close() {
    this.dialog?.close();
    this.dialog = null;
    this.viewId = null;
  }

  dismiss() {
    const { user, viewId } = this;
    this.close();
    this.open.delete(user);
    this.backend.closeView(user, viewId);
  }

  async submit(event) {
    event.preventDefault();
    const problems = this.fields.map(({ blockId, problem }) => [blockId, problem()]).filter(([, text]) => text);
    if (problems.length) return this.showErrors(Object.fromEntries(problems));
    const { user, viewId } = this;
    await whileBusy(event.target, async () => {
      const answer = await this.backend.submitView(user, viewId, readValues(this.fields));
      if (this.viewId !== viewId) return;
      if (answer.errors) this.showErrors(answer.errors);
      else if (answer.view) this.receive({ user, view_id: answer.view_id ?? viewId, view: answer.view });
      else if (answer.ok) this.receive({ user, view_id: viewId });
    });
  }

  /** Puts each error below its block and the focus into the first; no entry clears the block's error. */
  showErrors(errors) {
    const box = this.dialog?.box;
    if (!box) return;
    let first = null;
    for (const block of box.querySelectorAll(".input-block")) {
      const text = errors[block.dataset.block];
      const place = block.querySelector(".field-error");
      place.textContent = text ?? "";
      place.hidden = !text;
      const control = block.querySelector("input, select, textarea");
      control?.setAttribute("aria-invalid", String(Boolean(text)));
      if (text) first ??= control;
    }
    first?.focus();
  }
}
