/**
 * Notices that the machine slept: a clock that should tick every ten seconds has stood still. No event
 * tells a page so, and a socket that the other side has given up long since still looks open.
 * A hidden page's timers may come a minute late (Chromium), which is no sleep.
 */
const TICK = 10_000;
const SLEPT = 90_000;

export function onWake(wake) {
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - last > SLEPT) wake();
    last = now;
  }, TICK);
}
