/** One message from both sides, as terms and descriptions; and what one finds who looks into its bytes. */
import { counted, hex, make } from "./view.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
/** Of a body: the header of RFC 8188 with a public key in it, the delimiter, the tag. */
const AROUND = 86 + 1 + 16;
const FIRST = 96;

const fact = (term, ...description) => {
  const shown = make("dd");
  shown.append(...description);
  return [make("dt", "", term), shown];
};
const code = (text) => make("code", "", text);
const note = (text) => make("span", "quiet", text);

/** `accepted` is the push service's event; `created` that of the subscription, `later` what became of the message. */
export function seen({ accepted, created, later, bytes }) {
  const { ttl, urgency, topic, encoding, vapid } = accepted.detail;
  return [
    fact("To whom", code(accepted.token), note(`A subscription of ${accepted.user_agent}, a ${created?.detail.browser ?? "browser"}. Not who you are.`)),
    fact("From whom", code(created?.detail.key ?? "no key"), note(vapid?.sub ? `The sender’s public key, and whom to write to: ${vapid.sub}` : "The sender’s public key.")),
    fact("When", code(CLOCK.format(accepted.at * 1000)), note(moments(accepted, later))),
    fact("How much", code(`${bytes.length} bytes`), note(`So at most ${bytes.length - AROUND} bytes of text.`)),
    fact("How it shall be held", code(`TTL ${ttl} · ${urgency} urgency · ${topic ? `topic ${topic}` : "no topic"}`), note("Headers of the POST, in the open.")),
    fact("What", code(encoding), make("span", "bytes", `${hex(bytes.subarray(0, FIRST))}${bytes.length > FIRST ? " …" : ""}`)),
  ].flat();
}

function moments(accepted, later) {
  const said = later.map(({ kind, at }) => `${kind.split(".")[1]} ${Math.max(0, Math.round((at - accepted.at) * 1000))} ms later`);
  return said.length ? `Accepted then, ${said.join(", ")}.` : "Accepted then, and still held.";
}

/** `data` of the notification, as its receiver has it. */
export function hidden({ title, body, navigate, from, sender, ...more }, notificationId) {
  const wishes = Object.entries(more).filter(([, value]) => value);
  return [
    fact("Title", make("strong", "", title)),
    fact("Text", body || "none"),
    ...(from ?? sender ? [fact("Who wrote it", String(from ?? sender))] : []),
    fact("Where a click leads", code(navigate || "/")),
    ...wishes.map(([name, value]) => fact(name, code(typeof value === "string" ? value : JSON.stringify(value)))),
    fact("Which notification", code(notificationId)),
    fact("Private key of the receiver", note("It never left the browser. The secret beside it went to the App Server, and not this way.")),
    fact("Private key of the sender", note("It never left the App Server.")),
  ].flat();
}

/** Sentences, each of something that was just tried on these bytes. */
export async function findings(data, bytes) {
  const words = [data.title, data.body].filter(Boolean);
  const plain = new TextEncoder().encode(JSON.stringify(data));
  const [smallPlain, smallBytes] = await Promise.all([deflated(plain), deflated(bytes)]);
  const distinct = new Set(bytes).size;
  return [
    ...words.map((text) => (contains(bytes, text) ? `“${text}” stands in its bytes.` : `“${text}”: ${counted(new TextEncoder().encode(text).length, "byte")}, found nowhere in the ${bytes.length} that it holds.`)),
    `Deflate packs your words, ${plain.length} bytes as JSON, into ${smallPlain}. What it holds, ${bytes.length} bytes, becomes ${smallBytes}: without a pattern there is nothing to pack.`,
    `${distinct} of 256 byte values occur in it, about as many as in ${bytes.length} throws of a fair die with 256 sides (${expected(bytes.length)}).`,
  ];
}

/** How many of 256 values so many random bytes hit on average. */
const expected = (count) => Math.round(256 * (1 - (255 / 256) ** count));

function contains(bytes, text) {
  const wanted = new TextEncoder().encode(text);
  return bytes.some((_, at) => wanted.every((byte, place) => bytes[at + place] === byte));
}

async function deflated(bytes) {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return (await new Response(packed).arrayBuffer()).byteLength;
}
