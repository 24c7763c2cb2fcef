/** What stands in a segment of a token, each field with what it means: terms and descriptions for a list. */
import { hex, make } from "./view.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const MEANINGS = {
  typ: () => "What this is: a JSON Web Token.",
  alg: () => "The algorithm. VAPID allows this one only (RFC 8292 §2).",
  aud: () => "For whom: the origin of the push service. A token that one of them steals is worth nothing at another.",
  exp: (value) => `Until when, in seconds since 1970: ${moment(value)}. At most 24 hours ahead.`,
  sub: () => "Whom the push service writes to when a sender does harm, before it shuts the door.",
};

/** `segment` as token.js takes it apart. */
export function describe(name, { bytes, json }) {
  if (!bytes) return [make("dt", "", "Not base64url"), make("dd", "quiet", "So there are no bytes to look at.")];
  if (name === "signature") return halves(bytes);
  if (json) return Object.entries(json).flatMap(([key, value]) => field(key, value));
  return [make("dt", "", "No JSON object"), make("dd", "bytes", visible(new TextDecoder().decode(bytes)))];
}

function field(key, value) {
  const shown = make("dd");
  shown.append(make("code", "", JSON.stringify(value)), make("span", "quiet", MEANINGS[key]?.(value) ?? "Not one of VAPID’s own."));
  return [make("dt", "", key), shown];
}

function halves(bytes) {
  const half = Math.ceil(bytes.length / 2);
  return [
    make("dt", "", "r"), make("dd", "bytes", hex(bytes.subarray(0, half))),
    make("dt", "", "s"), make("dd", "bytes", hex(bytes.subarray(half))),
  ];
}

function moment(seconds) {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? "no moment at all" : CLOCK.format(date);
}

/** Controls by number: a changed character may make anything. */
const visible = (text) => text.replace(/[\p{Cc}\p{Cf}]/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);
