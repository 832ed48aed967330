const numbers = new Intl.NumberFormat('en-US');

export const numberText = (number: number) => numbers.format(number);

/** In UTC, to the minute; the seconds are under the reader's pointer. */
export function Instant({ at }: { readonly at: string }) {
  const text = at.slice(0, 19).replace('T', ' ');
  return (
    <time dateTime={at} title={text}>
      {text.slice(0, 16)}
    </time>
  );
}

interface SpanProps {
  readonly start: string;
  /** null = it has not ended. */
  readonly end: string | null;
}

export function Span({ start, end }: SpanProps) {
  return (
    <>
      <Instant at={start} /> – {end === null ? 'open' : <Instant at={end} />}
    </>
  );
}
