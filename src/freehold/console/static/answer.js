// SPDX-License-Identifier: Apache-2.0
// One answer on the page Talk: what the model says as it comes, the seams in it, tools that it calls, and what is on
// record of it. All of it is text.
import { element, problemNotice } from "./api.js";

export class Answer {
  constructor(target, wantsJson) {
    this.wantsJson = wantsJson;
    this.text = "";
    this.calls = []; // of tools, as the dialect has them
    this.usage = null;
    this.ending = "";
    this.error = null;
    this.name = element("h3", {}, target || "The service");
    this.said = element("div", { class: "words" });
    this.run = null; // the piece of text since the last seam
    this.thought = null;
    this.rest = element("div", {});
    this.record = element("dl", { class: "facts small" });
    this.card = element("article", { class: "said model", "aria-busy": "true" }, this.name, this.said, this.rest, this.record);
  }

  /** The message that the next call repeats. */
  get message() {
    const message = { role: "assistant", content: this.text };
    return this.calls.length ? { ...message, tool_calls: this.calls } : message;
  }

  /** One thing that was told: the head of the answer, an event of its stream, or what stands beside it. */
  take(event) {
    if (event.event === "opened") this.#open(event);
    else if (event.event === "comment") this.#comment(event.comment);
    else if (event.data !== "[DONE]") this.#data(JSON.parse(event.data));
  }

  /** The call is over. */
  end(talk) {
    this.card.setAttribute("aria-busy", "false");
    if (talk.error) {
      this.rest.append(problemNotice(talk.error, talk.status === 403 ? "Refused" : "Not answered"));
    } else if (this.error) {
      this.rest.append(problemNotice(this.error, "The answer broke off"));
    }
    for (const call of this.calls) this.rest.append(tool(call));
    if (this.wantsJson && this.text) this.rest.append(this.#shape());
    if (this.ending === "length") this.rest.append(element("p", { class: "soft small" }, "It ends here because it has as many tokens as were asked for."));
    this.#fact("first word after", seconds(talk.first_s));
    this.#fact("whole after", seconds(talk.whole_s));
    if (this.usage) this.#fact("tokens", `${this.usage.prompt_tokens} read, ${this.usage.completion_tokens} made`);
  }

  /** It did not come to an end. */
  fail(problem) {
    this.card.setAttribute("aria-busy", "false");
    const words = typeof problem === "string";
    this.rest.append(words ? element("p", { class: "soft" }, problem) : problemNotice(problem, "Not answered"));
  }

  /** Fields for what each tool gave back; `send` gets them as messages. */
  askResults(send) {
    const form = element("form", { class: "form results" });
    const fields = this.calls.map((call, at) => {
      const id = `result-${call.id}-${at}`;
      const field = element("textarea", { id, rows: 2, required: "" });
      form.append(element("div", { class: "field" }, element("label", { for: id }, `What ${call.function.name} gives back`), field));
      return field;
    });
    form.append(element("div", { class: "actions" }, element("button", {}, "Send results")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      for (const part of form.querySelectorAll("textarea, button")) part.disabled = true;
      send(this.calls.map((call, at) => ({ role: "tool", tool_call_id: call.id, content: fields[at].value })));
    });
    this.rest.append(form);
  }

  #open({ target, decision, receipt, key, status }) {
    if (target) this.name.textContent = target;
    const index = receipt.slice(receipt.lastIndexOf("/") + 1);
    this.#fact("answered by", target || "nobody");
    this.#fact("decision", decision ? `${status === 403 ? "refused" : "allowed"}, ${decision}` : "none was made");
    if (receipt) this.#fact("receipt", element("a", { href: `/console/record/${index}` }, receipt));
    this.#fact("on record under", key);
  }

  #comment(words) {
    if (!words.startsWith("seam ")) return;
    this.run = null;
    this.said.append(element("p", { class: "seam" }, `seam: ${words.slice(5)}`));
    const taker = /\bto (\S+);/.exec(words)?.[1];
    if (taker) this.#fact("went on with", taker);
  }

  #data(chunk) {
    if (chunk.error) this.error = chunk.error;
    if (chunk.usage) this.usage = chunk.usage;
    const choice = chunk.choices?.[0];
    if (!choice) return;
    if (choice.delta?.reasoning_content) this.#think(choice.delta.reasoning_content);
    if (choice.delta?.content) this.#say(choice.delta.content);
    if (choice.delta?.refusal) this.#decline(choice.delta.refusal);
    for (const piece of choice.delta?.tool_calls ?? []) this.#call(piece);
    if (choice.finish_reason) this.ending = choice.finish_reason;
  }

  #say(words) {
    this.text += words;
    if (!this.run) {
      this.run = document.createTextNode("");
      this.said.append(this.run);
    }
    this.run.appendData(words);
  }

  /** What the model declines with is its answer, and is called what it is. */
  #decline(words) {
    if (!this.ending) this.name.append(" ", element("span", { class: "badge mid" }, "declined"));
    this.ending = "refusal";
    this.#say(words);
  }

  /** What a model thinks before it answers, where it shows that. */
  #think(words) {
    if (!this.thought) {
      this.thought = document.createTextNode("");
      const whole = element("div", { class: "words soft" }, this.thought);
      this.said.before(element("details", { class: "more" }, element("summary", {}, "What it thought first"), whole));
    }
    this.thought.appendData(words);
  }

  #call({ index, id, function: called }) {
    const call = (this.calls[index] ??= { id: "", type: "function", function: { name: "", arguments: "" } });
    if (id) call.id = id;
    call.function.name += called?.name ?? "";
    call.function.arguments += called?.arguments ?? "";
  }

  #shape() {
    let fits = true;
    try {
      JSON.parse(this.text);
    } catch {
      fits = false;
    }
    const kind = fits ? "good" : "bad";
    return element("p", {}, element("span", { class: `badge ${kind}` }, fits ? "JSON" : "not JSON"));
  }

  #fact(name, value) {
    if (value) this.record.append(element("dt", {}, name), element("dd", {}, value));
  }
}

function tool({ function: called }) {
  let written = called.arguments;
  try {
    written = JSON.stringify(JSON.parse(written), null, 2);
  } catch {
    // shown as it came
  }
  return element("div", { class: "tool" }, element("p", {}, "calls ", element("b", {}, called.name)), element("pre", {}, written));
}

const seconds = (value) => (value === null || value === undefined ? "" : `${value.toFixed(2)} s`);
