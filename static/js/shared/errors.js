/**
 * The mirror of app/errors.py: for each problem code, what the reader can do about it.
 * The server's own `title` and `detail` say what happened; these sentences say the way on.
 * "network" and "timeout" are ours: no answer came at all.
 */
export const WAYS_ON = {
  "network": "The server cannot be reached. Check the connection, or whether pushlab still runs.",
  "timeout": "The server took too long to answer. Try again in a moment.",
  "invalid-input": "Look at the marked fields and send again.",
  "malformed-request": "Reload the page and try again.",
  "unsupported-media-type": "Reload the page and try again.",
  "too-large": "Make it shorter and send again.",
  "signed-out": "Your session has ended. Sign in again.",
  "invalid-token": "Make a new token: ./pushlab token create",
  "foreign-origin": "Open pushlab by the address that it was configured with.",
  "operators-only": "Sign in as an operator: an account that PUSHLAB_OPERATORS names.",
  "operator-token": "Send the token that PUSHLAB_METRICS_TOKEN names.",
  "not-found": "It may have been removed. Reload the page.",
  "name-taken": "Choose another name.",
  "not-a-guest": "Reload the page.",
  "wrong-password": "Check name and password.",
  "endpoint-of-another-session": "The browser subscribes anew by itself.",
  "vapid-key-unknown": "The browser subscribes anew by itself.",
  "idempotency-conflict": "Reload the page and send again.",
  "rate-limited": "Wait a moment, then try again.",
  "try-again": "Wait a moment, then try again.",
  "internal": "Try again. If it happens again, look at the server's log.",
};

/** The way on for a problem code; a code that is not in the catalogue reads as "internal". */
export const wayOn = (code) => WAYS_ON[code] ?? WAYS_ON.internal;
