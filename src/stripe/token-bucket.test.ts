import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

const HOUR_MS = 3_600_000;

test('a pause that Stripe asks for is as long when the clock is set back in it', () => {
  const bucket = new TokenBucket({ per_second: 10, burst: 10 });
  bucket.slowDown(HOUR_MS, 30_000);
  expect(bucket.waitFor(true, HOUR_MS + 10_000)).toBe(20_000);
  expect(bucket.waitFor(true, 5_000)).toBe(20_000);
  expect(bucket.waitFor(true, 25_000)).toBe(0);
});

test('another refusal lowers the rate again, also after the clock was set back', () => {
  const bucket = new TokenBucket({ per_second: 10, burst: 10 });
  bucket.slowDown(HOUR_MS, 0);
  expect(bucket.slowDown(0, 0)).toBe(false);
  expect(bucket.slowDown(1_000, 0)).toBe(true);
});
