import type { PortWrapping } from '../../src/usage.ts';

/** What a call to a port of a process that has died ends in. */
class Crash extends Error {}

/** Ports of a process that dies at one of its calls. */
export interface CrashingPorts {
  readonly wrapping: PortWrapping;
  /** Places at which it could have died so far: two for each call. */
  points(): number;
}

/**
 * The process dies at its n-th point, counted from 0: before a call takes effect, where n is even, or after it. Every
 * later call fails as well. `Infinity`: it lives.
 */
export function crashingAt(point: number): CrashingPorts {
  let points = 0;
  const wrap = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function' || name === 'close') return method;
        return async (...args: unknown[]) => {
          const before = points;
          points += 2;
          if (before >= point) throw new Crash(`before ${String(name)}`);
          const result: unknown = await method.apply(target, args);
          if (before + 1 >= point) throw new Crash(`after ${String(name)}`);
          return result;
        };
      },
    });
  return { wrapping: { store: wrap, provider: wrap }, points: () => points };
}
