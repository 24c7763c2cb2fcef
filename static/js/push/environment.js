/** What this browser can do at all: read afresh each time. */

/** "insecure", "unsupported", or null when push is possible. */
export function obstacle() {
  if (!window.isSecureContext) return "insecure";
  const all = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  return all ? null : "unsupported";
}

/** What a look finds where there is no subscription: an event of states.js. */
export function absence() {
  return { denied: "blocked", granted: "off" }[Notification.permission] ?? "not-asked";
}

/** Where the reader unblocks notifications: "chromium", "firefox", "safari" or "other". */
export function browserFamily(agent = navigator.userAgent) {
  if (/Firefox\//.test(agent)) return "firefox";
  if (/Chrom(e|ium)\/|Edg\//.test(agent)) return "chromium";
  return /Safari\//.test(agent) ? "safari" : "other";
}
