/**
 * One WebSocket to a PNS node (`pns.v1`): frames in become calls on the delegate, acknowledgements
 * go out one frame for all ids of a turn. Lives as long as the connection; `leader.js` makes the next.
 *
 * Delegate: onHello(frame), onNotification(frame), onReplayed(frame), onHint(what).
 */
const PROTOCOL = "pns.v1";
const NORMAL = 1000;

export class Socket {
  #delegate;
  #socket;
  #over;
  #ids = [];
  greeted = false;

  constructor(delegate) {
    this.#delegate = delegate;
  }

  /** Connect; resolves with the close code once the connection is over. */
  run() {
    this.#socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/pns`, PROTOCOL);
    this.#socket.onmessage = ({ data }) => this.#onFrame(JSON.parse(data));
    return new Promise((resolve) => {
      this.#over = resolve;
      this.#socket.onclose = ({ code }) => resolve(code);
    });
  }

  acknowledge(ids) {
    if (!this.#ids.length) queueMicrotask(() => this.#send({ type: "ack", notification_ids: this.#ids.splice(0) }));
    this.#ids.push(...ids);
  }

  acknowledgeExpired(count) {
    this.#send({ type: "ack", expired: count });
  }

  /** Over at once: on a dead line a browser waits ten seconds and more for the other side's goodbye. */
  close() {
    this.#socket.onmessage = null;
    this.#socket.close(NORMAL);
    this.#over(NORMAL);
  }

  #onFrame(frame) {
    switch (frame.type) {
      case "hello":
        this.greeted = true;
        return this.#delegate.onHello(frame);
      case "notification":
        return this.#delegate.onNotification(frame);
      case "replayed":
        return this.#delegate.onReplayed(frame);
      case "hint":
        return this.#delegate.onHint(frame.what);
      default: // a newer server may say more: not ours to answer
    }
  }

  #send(frame) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }
}
