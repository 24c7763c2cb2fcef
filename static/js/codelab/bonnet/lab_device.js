/**
 * A device made by hand: receiver keys of its own, a subscription at the push service's lab face, and
 * a place among the user's devices. The private key cannot be exported, is never sent, and is gone
 * with the page.
 */
import { get, post, remove } from "pushlab/shared/api.js";
import { fromBase64url, toBase64url } from "pushlab/shared/keys.js";
import { ask } from "./lab_face.js";
import { decrypt } from "./rfc8291.js";

const AUTH = 16;

export class LabDevice {
  /** What rfc8291.js takes for a receiver: `{ privateKey, publicKey, auth }`. */
  receiver;
  endpoint;
  /** The push service's name of the subscription. */
  token;
  connectionId;

  /** Make one, in three steps: `onStep(name)` for each that is done (keys, endpoint, stored). Rejects with a Problem. */
  static async join(onStep) {
    const device = new LabDevice();
    device.receiver = await makeKeys();
    onStep("keys", device);
    const { public_key: key } = await get("/api/vapid-public-key");
    Object.assign(device, await ask("POST", "/lab/subscriptions", { key }));
    onStep("endpoint", device);
    const { publicKey, auth } = device.receiver;
    const stored = await post("/api/lab/device", {
      endpoint: device.endpoint,
      keys: { p256dh: toBase64url(publicKey), auth: toBase64url(auth) },
      applicationServerKey: key,
    });
    device.connectionId = stored.connection_id;
    onStep("stored", device);
    return device;
  }

  /** What came and is not acknowledged: `[{ id, accepted_at, ttl, urgency, topic, body }]`, the body as bytes. */
  async receive() {
    const { messages } = await ask("POST", `/lab/receive/${this.token}`);
    return messages.map((message) => ({ ...message, body: fromBase64url(message.body) }));
  }

  /** First the push service, which holds them no longer; then the App Server, which sent them. */
  async acknowledge(messages) {
    await ask("POST", `/lab/acknowledge/${this.token}`, { ids: messages.map(({ id }) => id) });
    for (const message of messages) {
      const notificationId = await this.#notificationIn(message);
      if (notificationId) await post(`/api/lab/device/${encodeURIComponent(notificationId)}/shown`);
    }
  }

  /** Null for what does not open, or is not of our App Server's making. */
  async #notificationIn({ body }) {
    const { steps, failure } = await decrypt(body, this.receiver);
    try {
      return failure ? null : JSON.parse(new TextDecoder().decode(steps.at(-1).bytes)).pushlab.notification_id;
    } catch {
      return null;
    }
  }

  /** Out of the user's devices, and the endpoint ended. */
  async leave() {
    await ask("POST", `/lab/expire/${this.token}`);
    await remove(`/api/devices/${this.connectionId}`);
  }
}

async function makeKeys() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  return {
    privateKey,
    publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)),
    auth: crypto.getRandomValues(new Uint8Array(AUTH)),
  };
}
