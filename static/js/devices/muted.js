/** When a mute ends, in words. */
import { day, time } from "pushlab/moments.js";

/** The year by which the server means "not by itself". */
const NEVER = "9999";

/** `until`: RFC 3339 text or null. */
export function muted(until) {
  if (!until) return "";
  return until.startsWith(NEVER) ? "Muted" : `Muted until ${day(until)} ${time(until)}`;
}
