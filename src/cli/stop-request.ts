/** A wish to stop, from the terminal or from whoever supervises the process. */
export interface StopRequest {
  /** Aborted from the first signal on. */
  readonly signal: AbortSignal;
  /** Resolves with the first signal. */
  readonly requested: Promise<void>;
}

/** npm passes on the Ctrl-C that the terminal has delivered already: within this time both are one. */
const SAME_REQUEST_MS = 1_000;
const INTERRUPTED = 130;

/** Listens for SIGINT and SIGTERM. A second one, a second later or more, ends the process at once. */
export function listenForStop(onStop: () => void): StopRequest {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  let stoppedAt = 0;
  const stop = () => {
    if (!controller.signal.aborted) {
      stoppedAt = performance.now();
      onStop();
      controller.abort();
      resolve();
    } else if (performance.now() - stoppedAt >= SAME_REQUEST_MS) process.exit(INTERRUPTED);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return { signal: controller.signal, requested: promise };
}
