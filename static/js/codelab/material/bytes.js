/**
 * Bytes with their parts marked: what a learner sees of a key and of an encrypted body. Pure.
 *
 * A part: `{ name, means, octets }`, `octets` an array of numbers. All parts together are all bytes.
 */

/** Base64url, with or without padding, as an array of numbers. */
export function octetsOf(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Array.from(plain, (char) => char.charCodeAt(0));
}

/** "00 01 fe …" */
export const hex = (octets) => octets.map((octet) => octet.toString(16).padStart(2, "0")).join(" ");

/** An encrypted body of one record (RFC 8188 section 2, as RFC 8291 section 4 uses it). */
export function bodyParts(text) {
  const octets = octetsOf(text);
  const idLength = octets[20] ?? 0;
  const cuts = [
    ["salt", "made anew for this message", 16],
    ["record size", `${number(octets.slice(16, 20))} bytes at most in one record`, 4],
    ["key id length", `${idLength} bytes of key id follow`, 1],
    ["key id", "the sender’s public key, made for this message alone", idLength],
    ["ciphertext", "the plaintext, encrypted with AES-128-GCM", octets.length - 37 - idLength],
    ["tag", "AES-GCM’s proof that no byte was changed", 16],
  ];
  return split(octets, cuts);
}

/** A public key: an uncompressed point on the curve P-256. */
export const keyParts = (text) =>
  split(octetsOf(text), [
    ["form", "04: an uncompressed point, both coordinates follow", 1],
    ["x", "on the curve P-256", 32],
    ["y", "on the curve P-256", 32],
  ]);

/** What is too short for all parts has fewer. */
function split(octets, cuts) {
  let start = 0;
  const parts = cuts.map(([name, means, length]) => {
    const part = { name, means, octets: octets.slice(start, start + Math.max(0, length)) };
    start += Math.max(0, length);
    return part;
  });
  if (start < octets.length) parts.push({ name: "rest", means: "more than belongs here", octets: octets.slice(start) });
  return parts.filter((part) => part.octets.length);
}

const number = (octets) => octets.reduce((sum, octet) => sum * 256 + octet, 0);
