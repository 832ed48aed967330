import { afterEach, expect, test, vi } from 'vitest';
import { Queries } from '../../src/react/queries.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('what nobody shows any more is kept for minutes, and then forgotten', () => {
  vi.useFakeTimers();
  const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  vi.stubGlobal('document', page);
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  const queries = new Queries(1_000);
  const get = (key: string) => queries.get(key, async () => key, {});
  const shown = get('shown');
  shown.subscribe(() => {});
  const left = get('left');
  const leave = left.subscribe(() => {});
  vi.advanceTimersByTime(10 * 60_000);
  leave();
  const neverShown = get('never shown');
  vi.advanceTimersByTime(4 * 60_000);
  get('another');
  expect([get('left'), get('never shown')]).toEqual([left, neverShown]);
  vi.advanceTimersByTime(2 * 60_000);
  get('one more');
  expect(get('shown')).toBe(shown);
  expect(get('left')).not.toBe(left);
  expect(get('never shown')).not.toBe(neverShown);
});
