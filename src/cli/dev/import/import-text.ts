import type { ImportState } from './usage-import.ts';

const NUMBER = new Intl.NumberFormat('en-US');

/** What an import did, as lines for a terminal; why it failed, whoever shows them says. */
export function describeImport(state: ImportState): string[] {
  const { name, rows, recorded, duplicate, empty, refused, refusals, notes, duration_ms } = state;
  const seconds = Math.max(duration_ms, 1) / 1_000;
  const counts = [
    `${NUMBER.format(recorded)} recorded`,
    `${NUMBER.format(duplicate)} duplicate`,
    ...(empty > 0 ? [`${NUMBER.format(empty)} of quantity 0`] : []),
    `${NUMBER.format(refused)} refused`,
  ].join(', ');
  const speed = `${NUMBER.format(Math.round(rows / seconds))} rows/s`;
  const rest = refused - refusals.length;
  return [
    `Imported ${name}: ${NUMBER.format(rows)} rows in ${seconds.toFixed(1)} s (${speed}): ${counts}.`,
    ...notes.map((note) => `  ${note}`),
    ...refusals.map(({ line, reason }) => `  Line ${line}: ${reason}`),
    ...(rest > 0 ? [`  … and ${NUMBER.format(rest)} more.`] : []),
    ...(state.state === 'stopped' ? ['  It was stopped on the way; import it again to count the rest.'] : []),
  ];
}
