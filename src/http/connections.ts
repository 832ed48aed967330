import type { Socket } from 'node:net';

/** The connections of a server. Where they are many, those without a request make room for new ones. */
export class Connections {
  readonly #crowded_from: number;
  /** How many requests are under way on each. */
  readonly #requests = new Map<Socket, number>();
  /** Those on which none is: nothing has come, a part of a head, or no further request. The longest first. */
  readonly #waiting = new Set<Socket>();
  #isDismissing = false;

  constructor(crowded_from: number) {
    this.#crowded_from = crowded_from;
  }

  get count(): number {
    return this.#requests.size;
  }

  add(socket: Socket): void {
    this.#requests.set(socket, 0);
    this.#waiting.add(socket);
    socket.once('close', () => {
      this.#requests.delete(socket);
      this.#waiting.delete(socket);
    });
    if (this.count > this.#crowded_from) this.#makeRoom();
  }

  /** The head of a request has come. */
  begin(socket: Socket): void {
    this.#requests.set(socket, this.#requestsOf(socket) + 1);
    this.#waiting.delete(socket);
  }

  /** A request was answered, or given up. */
  end(socket: Socket): void {
    if (socket.destroyed) return;
    const left = this.#requestsOf(socket) - 1;
    this.#requests.set(socket, left);
    if (left > 0) return;
    if (this.#isDismissing) socket.destroy();
    else this.#waiting.add(socket);
  }

  /** Closes those without a request now, and the others when theirs is answered. */
  dismiss(): void {
    this.#isDismissing = true;
    for (const socket of this.#waiting) socket.destroy();
  }

  #requestsOf(socket: Socket): number {
    return this.#requests.get(socket) ?? 0;
  }

  /** By age and not by address: behind a proxy they all have the same. */
  #makeRoom(): void {
    const [longest] = this.#waiting;
    if (longest === undefined) return;
    this.#waiting.delete(longest);
    longest.destroy();
  }
}
