/**
 * The VAPID page: the token of the run's last message, one to take apart, and the key behind both.
 *
 * Hooks for tests: `data-state` on the parts: sent (loading, empty, filled), token (loading,
 * filled, failed), key (unknown, same, other); each check is `[data-check]` (form, signature, aud,
 * exp, sub) with `data-ok` true, false or none. Buttons carry `data-action`: break (with `data-field`:
 * alg, aud, exp, sub, signature), restore, again.
 */
import { get } from "pushlab/shared/api.js";
import { fromBase64url, toBase64url } from "pushlab/shared/keys.js";
import { Run } from "../run.js";
import { describe } from "./claims.js";
import { breakField, check, isBad, takeApart } from "./token.js";
import { counted, fill, make, part, said } from "./view.js";

const SEGMENTS = ["header", "claims", "signature"];
const NAMES = { form: "Form", signature: "Signature", aud: "aud: the audience", exp: "exp: the end", sub: "sub: the contact" };
/** The segment that a field stands in. */
const PLACES = { alg: "header", aud: "claims", exp: "claims", sub: "claims" };
/** What the mistakes of the checker are: another push service, a day and an hour. */
const ELSEWHERE = "https://other.invalid";
const LATER = 25 * 3600;

class Vapid {
  #sent = part("sent");
  #token = part("token");
  #key = part("key");
  #run = new Run(part("vapid"));
  #given = null;
  #otherKey = null;
  #turn = 0;

  start() {
    this.#run.onChange(() => this.#showSent());
    this.#run.start();
    this.#token.addEventListener("input", () => this.#check());
    this.#token.addEventListener("click", ({ target }) => this.#onClick(target.closest("[data-action]")));
    new MutationObserver(() => this.#showSent()).observe(part("vapid"), { attributeFilter: ["data-push-service"] });
    this.#load();
  }

  async #load() {
    this.#token.dataset.state = "loading";
    try {
      this.#given = await get("/api/lab/vapid-token");
      this.#otherKey = await anotherKey();
      fill(this.#token, "audience", this.#given.audience);
      this.#token.dataset.state = "filled";
      await this.#restore();
    } catch (problem) {
      fill(this.#token, "problem", said(problem));
      this.#token.dataset.state = "failed";
    }
    await this.#compare();
  }

  // -- the token of the last message

  #showSent() {
    const sent = this.#run.events.findLast(({ kind }) => kind === "send.started");
    this.#sent.dataset.state = sent ? "filled" : "empty";
    if (!sent) return;
    const { headers, vapid, url } = sent.detail;
    const header = Object.entries(headers).find(([name]) => name.toLowerCase() === "authorization")?.[1] ?? "";
    fill(this.#sent, "endpoint", url);
    this.#sent.querySelector("[data-fill=token]").replaceChildren(...colored(header));
    this.#compare(vapid.public_key);
  }

  // -- the one to take apart

  #onClick(button) {
    const action = button?.dataset.action;
    if (action === "again") this.#load();
    if (action === "restore") this.#restore();
    if (action === "break") this.#break(button.dataset.field);
  }

  #restore() {
    const texts = this.#given.token.split(".");
    SEGMENTS.forEach((name, place) => { this.#field(name).value = texts[place]; });
    for (const box of this.#token.querySelectorAll("[type=checkbox]")) box.checked = false;
    return this.#check();
  }

  /** What was changed before is put right first. The character is selected, to be seen. */
  #break(name) {
    this.#restore();
    const field = this.#field(PLACES[name] ?? name);
    const { text, at } = name === "signature" ? middle(field.value) : breakField(field.value, name, (json) => isBad[name](json, this.#checker()));
    field.value = text;
    field.focus();
    field.setSelectionRange(at, at + 1);
    this.#check();
  }

  async #check() {
    const turn = ++this.#turn;
    const token = SEGMENTS.map((name) => this.#field(name).value.trim()).join(".");
    const findings = await check(token, this.#checker());
    if (turn !== this.#turn) return;
    const parts = takeApart(token);
    for (const name of SEGMENTS) {
      const list = this.#field(name).closest("[data-segment]").querySelector("[data-fill=claims]");
      list.replaceChildren(...describe(name, parts[name]));
    }
    this.#token.querySelector("[data-list=checks]").replaceChildren(...findings.map(line));
    fill(this.#token, "outcome", outcome(findings));
  }

  /** Who checks: rightly, or with the mistakes that are ticked. */
  #checker() {
    const ticked = (name) => this.#token.querySelector(`[name=${name}]`).checked;
    return {
      publicKey: ticked("key") ? this.#otherKey : fromBase64url(this.#given.public_key),
      audience: ticked("audience") ? ELSEWHERE : this.#given.audience,
      now: Date.now() / 1000 + (ticked("later") ? LATER : 0),
    };
  }

  #field = (name) => this.#token.querySelector(`#${name}-text`);

  // -- the key

  /** `key`: that of the last message, when there is one. */
  async #compare(key = this.#given?.public_key) {
    const own = await ownKey();
    fill(this.#key, "sent-key", key ?? "not known yet");
    fill(this.#key, "own-key", own ?? "This browser has no subscription.");
    const state = !key || !own ? "unknown" : key === own ? "same" : "other";
    this.#key.dataset.state = state;
    fill(this.#key, "comparison", COMPARISONS[state]);
  }
}

const COMPARISONS = {
  unknown: "Turn on notifications in the codelab, and the two can be compared.",
  same: "The same, character by character: whoever signed is whom the browser allowed to send.",
  other: "Not the same: the push service would refuse this sender. The card in the codelab subscribes anew.",
};

async function ownKey() {
  const registration = await navigator.serviceWorker?.getRegistration();
  const subscription = await registration?.pushManager?.getSubscription();
  const key = subscription?.options.applicationServerKey;
  return key ? toBase64url(key) : null;
}

/** Of a pair that nobody keeps. */
async function anotherKey() {
  const { publicKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  return new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
}

/** The header's value, its three segments in their colours. */
function colored(header) {
  const [start, token, end] = header.match(/^(vapid t=)([^,]*)(.*)$/s)?.slice(1) ?? [header, "", ""];
  const segments = token.split(".").flatMap((text, place) => [
    ...(place ? ["."] : []),
    make("span", `token-line__${SEGMENTS[place] ?? "rest"}`, text),
  ]);
  return [start, ...segments, end];
}

/** Another character in the middle. */
function middle(text) {
  const at = Math.floor(text.length / 2);
  return { text: text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1), at };
}

function outcome(findings) {
  const failed = findings.filter(({ ok }) => ok === false).map(({ id }) => NAMES[id].split(":")[0]);
  if (!failed.length) return "Every check passes: the message would be let in.";
  return `${counted(failed.length, "check")} ${failed.length === 1 ? "fails" : "fail"}: ${failed.join(", ")}. The message would be refused.`;
}

function line({ id, ok, why }) {
  const item = make("li", "check");
  Object.assign(item.dataset, { check: id, ok: ok === null ? "none" : String(ok) });
  const verdict = { true: "passed", false: "fails", null: "not checked" }[ok];
  item.append(make("span", "check__name", NAMES[id]), " ", make("strong", "check__verdict", verdict), make("span", "check__why", why));
  return item;
}

new Vapid().start();
