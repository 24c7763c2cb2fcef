/**
 * The rows of the tables. Cells are text; what an operator should look at is marked. Roles are named,
 * because on a phone a row is no longer laid out as one, and browsers then forget what it is.
 */
import { time } from "pushlab/moments.js";
import { answers, count, duration, inWords, share } from "./figures.js";

/** A node that beats every two seconds is nearly dead then. */
const SILENT = 6;
/** A process says how it does every five seconds. */
const UNSEEN = 15;
/** The end of a node’s name tells it from all others. */
const NAME = 8;

export function minuteRow(minute) {
  const keys = ["connections", "pending", "outbox", "created", "acknowledged", "delivered", "ended"];
  return row(time(minute.at), [
    ...keys.map((key) => [inWords(key, minute[key])]),
    [count(minute.failing), minute.failing > 0],
    [inWords("p95", minute.p95)],
    [count(minute.troubles), minute.troubles > 0],
  ]);
}

export function serviceRow(service) {
  const waiting = service.queued ? `${count(service.queued)} (${duration(service.oldest_seconds)})` : "0";
  const paused = service.paused_seconds === null ? "" : ` Left alone for ${duration(service.paused_seconds)}.`;
  const made = row(service.origin, [
    [waiting],
    [count(service.sent)],
    [share(service.delivered, service.sent)],
    [share(service.failed, service.sent), service.failed > 0],
    [inWords("p50", service.p50)],
    [inWords("p95", service.p95)],
    [answers(service.answers) + paused, paused !== "", "figures__text"],
  ]);
  made.dataset.origin = service.origin;
  return made;
}

export function processRow(process, now) {
  const { silent_seconds: silent, told_seconds: told, started_at: started } = process;
  const made = row(process.roles.join(", "), [
    [process.node?.slice(-NAME) ?? "–", false, "figures__text"],
    [inWords("connections", process.connections)],
    [silent === null ? "–" : ago(silent), silent > SILENT],
    [count(process.writer_waiting)],
    [told === null ? "never" : ago(told), told === null || told > UNSEEN],
    [started ? duration(Math.max(1, now - Date.parse(started) / 1000)) : "–"],
  ]);
  made.dataset.roles = process.roles.join(" ");
  return made;
}

const ago = (seconds) => (seconds < 1 ? "just now" : `${duration(seconds)} ago`);

function row(name, cells) {
  const made = document.createElement("tr");
  made.role = "row";
  const head = document.createElement("th");
  head.scope = "row";
  head.role = "rowheader";
  head.textContent = name;
  made.append(head, ...cells.map(cell));
  return made;
}

function cell([text, alarm = false, className = ""]) {
  const made = document.createElement("td");
  made.role = "cell";
  made.textContent = text;
  made.toggleAttribute("data-alarm", alarm);
  made.className = className;
  return made;
}
