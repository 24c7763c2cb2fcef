/**
 * Quiet for a while: rows go into the inbox and are acknowledged as ever, but nothing alerts. The
 * server says until when (see the fact `muted_until` in device.js); what was on its way before the
 * mute began is shown by the worker without a sound, since a worker must show something.
 */
import { read, write } from "./device.js";

/** `until`: RFC 3339 text, or nothing. */
export const keepMute = (until) => write({ muted_until: until ? Date.parse(until) : null });

export async function isMuted() {
  return ((await read("muted_until")) ?? 0) > Date.now();
}
