// The connection to the local Discord: pushes states in, carries actions out, comes back by itself.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8000;

export class Live {
  /**
   * @param {(message: object) => void} onMessage every pushed message
   * @param {(state: {open: boolean, retryAt: number | null}) => void} onState connection changes
   * @param {() => void} onOpen a connection is there; asks for a view
   */
  constructor(onMessage, onState, onOpen) {
    this.onMessage = onMessage;
    this.onOpen = onOpen;
    this.onState = onState;
    this.delay = FIRST_DELAY_MS;
    this.nextRef = 1;
    this.pending = new Map();
    this.timer = null;
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    if (this.socket?.readyState === WebSocket.CONNECTING) return;
    this.socket = new WebSocket(`ws://${location.host}/live`);
    this.socket.onopen = () => {
      this.delay = FIRST_DELAY_MS;
      this.onState({ open: true, retryAt: null });
      this.onOpen();
    };
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.socket.onclose = () => this.retry();
  }

  retry() {
    for (const { reject } of this.pending.values()) reject(new Error("The connection was lost."));
    this.pending.clear();
    const wait = this.delay * (0.8 + 0.4 * Math.random());
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY_MS);
    this.onState({ open: false, retryAt: Date.now() + wait });
    this.timer = setTimeout(() => this.open(), wait);
  }

  receive(message) {
    const waiting = message.ref === undefined ? undefined : this.pending.get(message.ref);
    if (waiting === undefined) {
      this.onMessage(message);
      return;
    }
    this.pending.delete(message.ref);
    if (message.type === "refused") waiting.reject(new Error(message.error));
    else waiting.resolve(message.interaction);
  }

  /** Shows what a member sees, and acts as that member, in a language, from now on. */
  view(member, locale) {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ type: "view", member, locale }));
    }
  }

  /** Sends an action; resolves with the id of the interaction that it began ("" if none). */
  act(type, fields) {
    if (this.socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Error("There is no connection right now."));
    }
    const ref = this.nextRef++;
    this.socket.send(JSON.stringify({ type, ref, ...fields }));
    return new Promise((resolve, reject) => this.pending.set(ref, { resolve, reject }));
  }
}
