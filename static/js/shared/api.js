/**
 * The one way to the App Server: JSON in, JSON out, every failure a `Problem` (RFC 9457).
 * Used by the page and by the worker.
 */
import { wayOn } from "./errors.js";

const PATIENCE = 15_000;

/** What went wrong with a request. `status` is 0 when no answer came. */
export class Problem extends Error {
  constructor({ code, status, title, detail, errors, retryAfter }) {
    super(detail || title || "The request failed");
    this.name = "Problem";
    this.code = code;
    this.status = status;
    this.errors = errors ?? [];
    this.retryAfter = retryAfter ?? null;
  }

  get wayOn() {
    return wayOn(this.code);
  }

  /** Worth another try with the same content: no answer, busy, or broken on the other side. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}, options = {}) => call("POST", path, body, options);
export const put = (path, body) => call("PUT", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = (path) => call("DELETE", path);

async function call(method, path, body, options = {}) {
  const response = await send(method, path, body, options);
  if (response.ok) return response.status === 204 ? null : response.json();
  throw await problemOf(response);
}

async function send(method, path, body, { headers = {}, keepalive = false }) {
  try {
    return await fetch(path, {
      method,
      keepalive,
      headers: { Accept: "application/json", "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch (error) {
    const code = error.name === "TimeoutError" ? "timeout" : "network";
    throw new Problem({ code, status: 0, title: wayOn(code) });
  }
}

async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  return new Problem({
    ...body,
    status: response.status,
    code: (body.type ?? "").split("/").pop() || "internal",
    retryAfter: Number(response.headers.get("Retry-After")) || null,
  });
}
