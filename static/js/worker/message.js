/**
 * The text of a push message as a row of the inbox, the same row as the WebSocket and the list bring.
 * Whatever comes by push may be a stranger's or broken: what is not of the right type is left out,
 * and what is not ours at all is null. Pure: no imports, no browser.
 *
 * Ours is the declarative form (`web_push`, `notification`) with a part `pushlab` of its own, as
 * app/sending/payload.py makes it. Pages and pictures travel as absolute URLs.
 */
const PICTURES = ["icon", "image", "badge"];
const FLAGS = ["silent", "renotify"];

/** `{ owner, row }`, or null. `text` is the message's text or null, `home` this site's origin. */
export function readMessage(text, home) {
  const message = parse(text);
  const [shown, ours] = [message?.notification, message?.pushlab];
  if (!isObject(shown) || !isObject(ours)) return null;
  if (![shown.title, ours.notification_id, ours.connection_id].every(isText)) return null;
  return { owner: ours.connection_id, row: rowOf(shown, ours, home) };
}

/** `url` as an absolute URL of this site; null when it leads elsewhere or nowhere. */
export function onThisSite(url, home) {
  if (!isText(url) || !URL.canParse(url, home)) return null;
  const found = new URL(url, home);
  return found.origin === new URL(home).origin ? found.href : null;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function rowOf(shown, ours, home) {
  return {
    notification_id: ours.notification_id,
    seq: Number.isSafeInteger(ours.seq) ? ours.seq : 0,
    created_at: momentOf(ours.created_at),
    cut: ours.cut === true,
    data: withoutGaps({
      title: shown.title,
      body: textOr(shown.body, ""),
      navigate: onThisSite(shown.navigate, home) ?? home,
      from: textOr(ours.from, null),
      tag: shown.tag === ours.notification_id ? null : textOr(shown.tag, null),
      ...Object.fromEntries(PICTURES.map((name) => [name, onThisSite(shown[name], home)])),
      ...Object.fromEntries(FLAGS.map((name) => [name, shown[name] === true || null])),
      actions: actionsOf(shown.actions, home),
    }),
  };
}

function actionsOf(given, home) {
  if (!Array.isArray(given)) return null;
  const usable = given.filter((each) => isText(each?.title) && onThisSite(each.navigate, home));
  const actions = usable.map(({ title, navigate }) => ({ title, navigate: onThisSite(navigate, home) }));
  return actions.length ? actions : null;
}

function momentOf(moment) {
  const known = typeof moment === "string" && !Number.isNaN(Date.parse(moment));
  return known ? moment : new Date().toISOString();
}

const isText = (value) => typeof value === "string" && value !== "";
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const textOr = (value, other) => (typeof value === "string" ? value : other);
const withoutGaps = (data) => Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
