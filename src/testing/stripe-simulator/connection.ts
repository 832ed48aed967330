/** The connection broke without an answer. Thrown through the router to whoever holds the connection. */
export class ConnectionLost extends Error {
  constructor() {
    super('The simulated connection was reset.');
  }
}

/** What `fetch` rejects with when the other side resets the connection. */
export function networkError(): TypeError {
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  return new TypeError('fetch failed', { cause });
}

/** Requests that never get an answer. */
export class HangingRequests {
  readonly #release = new Set<() => void>();

  /** Rejects when the client gives up, with its reason, or when the simulator closes. */
  wait(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const giveUp = () => {
        this.#release.delete(close);
        reject(signal.reason);
      };
      const close = () => {
        signal.removeEventListener('abort', giveUp);
        reject(new ConnectionLost());
      };
      if (signal.aborted) {
        giveUp();
        return;
      }
      signal.addEventListener('abort', giveUp, { once: true });
      this.#release.add(close);
    });
  }

  closeAll(): void {
    for (const close of this.#release) close();
    this.#release.clear();
  }
}
