/** What this browser can do at all, and what it answered: read afresh each time. */

/** "insecure", "unsupported", or null when push is possible. */
export function obstacle() {
  if (!window.isSecureContext) return "insecure";
  const all = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  return all ? null : "unsupported";
}

/** The failed subscribe() as a state of the card. */
export function stateOf(error) {
  if (error.name === "AbortError" && /permission denied/i.test(error.message)) return "incognito";
  if (error.name === "NotAllowedError") return Notification.permission === "denied" ? "denied" : "dismissed";
  return "failed";
}

/** Where the reader unblocks notifications: "chromium", "firefox", "safari" or "other". */
export function browserFamily(agent = navigator.userAgent) {
  if (/Firefox\//.test(agent)) return "firefox";
  if (/Chrom(e|ium)\/|Edg\//.test(agent)) return "chromium";
  return /Safari\//.test(agent) ? "safari" : "other";
}
