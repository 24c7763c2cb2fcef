/**
 * A VAPID token (RFC 8292: a JWT, RFC 7515) taken apart, and checked as a push service does. Text in,
 * findings out; it imports nothing, and Node runs it too.
 */
const DAY = 86_400;
/** Clocks differ: so many seconds over 24 hours are forgiven. */
const LENIENCE = 60;
const SIGNATURE = 64;

const subtle = globalThis.crypto.subtle;

/** The three segments: `{ text, bytes, json }`; `bytes` null when not base64url, `json` when no object. */
export function takeApart(token) {
  const texts = token.split(".");
  const [header, claims, signature] = [0, 1, 2].map((place) => segment(texts[place] ?? ""));
  return { count: texts.length, header, claims, signature };
}

function segment(text) {
  const bytes = decode(text);
  return { text, bytes, json: bytes && objectIn(bytes) };
}

/** Null when it is not base64url without padding. */
export function decode(text) {
  if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

function objectIn(bytes) {
  try {
    const found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return found && typeof found === "object" && !Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}

/**
 * What a push service checks, one finding each: `{ id, ok, why }`, with the ids form, signature, aud,
 * exp, sub. `publicKey`: 65 bytes; `audience`: the origin that checks; `now`: seconds since 1970.
 * `ok` is null where there is nothing to check any more.
 */
export async function check(token, { publicKey, audience, now }) {
  const parts = takeApart(token);
  const claims = parts.claims.json;
  return [
    { id: "form", ...formOf(parts) },
    { id: "signature", ...(await signatureOf(parts, publicKey)) },
    ...(claims ? [audOf(claims, audience), expOf(claims, now), subOf(claims)] : ["aud", "exp", "sub"].map(unread)),
  ];
}

const unread = (id) => ({ id, ok: null, why: "The claims cannot be read, so there is nothing to check." });

function formOf({ count, header, claims, signature }) {
  const bad = (why) => ({ ok: false, why });
  if (count !== 3) return bad(`There are ${count} segments; a token has three, with a dot between them.`);
  for (const [name, { bytes }] of Object.entries({ header, claims, signature })) {
    if (!bytes) return bad(`The ${name} is not base64url.`);
  }
  if (!header.json) return bad("The header decodes to bytes that are no JSON object.");
  if (!claims.json) return bad("The claims decode to bytes that are no JSON object.");
  if (header.json.alg !== "ES256") return bad(`alg is ${JSON.stringify(header.json.alg)}. VAPID knows ES256 only.`);
  return { ok: true, why: "Three segments of base64url, two JSON objects, alg is ES256." };
}

async function signatureOf({ header, claims, signature }, publicKey) {
  if (signature.bytes?.length !== SIGNATURE) return { ok: false, why: "An ES256 signature is 64 bytes: r and s." };
  let key;
  try {
    key = await subtle.importKey("raw", publicKey, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  } catch {
    return { ok: false, why: "The public key is no point on the curve P-256." };
  }
  const signed = new TextEncoder().encode(`${header.text}.${claims.text}`);
  const ok = await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature.bytes, signed);
  const why = ok
    ? "It fits these exact characters of header and claims, and this public key."
    : "It does not fit: header, claims, signature or public key is another than when it was signed.";
  return { ok, why };
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * One character of a segment's text changed so that its JSON stays whole and in it only the field
 * `name` is another, which `isBad(json)` finds bad: `{ text, at }`, or null when no character does it.
 */
export function breakField(text, name, isBad) {
  const before = segment(text).json;
  for (let at = 0; before && at < text.length; at += 1) {
    for (const char of ALPHABET) {
      const changed = text.slice(0, at) + char + text.slice(at + 1);
      const after = segment(changed).json;
      if (after && isBad(after) && sameBut(name, before, after)) return { text: changed, at };
    }
  }
  return null;
}

function sameBut(name, one, other) {
  const rest = (json) => JSON.stringify({ ...json, [name]: null });
  return one[name] !== other[name] && rest(one) === rest(other);
}

/** Whether a claim, or the header's `alg`, would be refused by that checker. */
export const isBad = {
  alg: ({ alg }) => alg !== "ES256",
  aud: (claims, { audience }) => !audOf(claims, audience).ok,
  exp: (claims, { now }) => !expOf(claims, now).ok,
  sub: (claims) => !subOf(claims).ok,
};

function audOf({ aud }, audience) {
  const ok = aud === audience;
  return { id: "aud", ok, why: ok ? `It is for ${audience}, which is who checks.` : `It is for ${JSON.stringify(aud)}, and ${audience} checks.` };
}

function expOf({ exp }, now) {
  const left = exp - now;
  const finding = (ok, why) => ({ id: "exp", ok, why });
  if (!Number.isFinite(exp)) return finding(false, "exp must be a number: seconds since 1970.");
  if (left <= 0) return finding(false, `It ended ${duration(-left)} ago.`);
  if (left > DAY + LENIENCE) return finding(false, `It ends in ${duration(left)}; 24 hours are the most.`);
  return finding(true, `It ends in ${duration(left)}; 24 hours are the most.`);
}

function subOf({ sub }) {
  const ok = typeof sub === "string" && /^(mailto:.+@.+|https:\/\/.+)/.test(sub);
  return { id: "sub", ok, why: ok ? "Somebody can be written to when this sender does harm." : "It must be a mailto: or https: address. Apple refuses others; Google and Mozilla let them pass." };
}

function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
