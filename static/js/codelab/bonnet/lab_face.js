/** The push service's lab face, asked directly: it is a third party. Each call with a fresh token, limited to this run. */
import { get, Problem } from "pushlab/shared/api.js";

const PATIENCE = 15_000;

/** The answer as JSON. Rejects with a Problem (see shared/api.js). */
export async function ask(method, path, body) {
  const { url, token } = await get("/api/lab/token");
  const response = await send(new URL(path, url), {
    method,
    headers: { "Authorization": `Bearer ${token}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem({ code: "try-again", status: response.status, title: `The push service answers ${response.status}.`, detail: answer.message });
}

async function send(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw new Problem({ code: "try-again", status: 0, title: "The push service does not answer." });
  }
}
