/** An exact number: `over` is positive. */
export interface Fraction {
  readonly top: bigint;
  readonly over: bigint;
}

/** A decimal text such as `'1.25'`. */
export function fractionOf(text: string): Fraction {
  const [whole = '0', digits = ''] = text.split('.');
  return { top: BigInt(whole + digits), over: 10n ** BigInt(digits.length) };
}

export function times({ top, over }: Fraction, part: bigint, whole = 1n): Fraction {
  return { top: top * part, over: over * whole };
}

/** To the nearest whole, and from the middle up. Only for what is not negative. */
export function halfUp({ top, over }: Fraction): number {
  return Number((2n * top + over) / (2n * over));
}
