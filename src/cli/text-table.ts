/** A column of a table in the terminal. */
export interface Column {
  readonly title: string;
  /** Numbers stand at the right. Default: `left`. */
  readonly align?: 'left' | 'right';
}

const GAP = '  ';
const WIDTH = 100;

/** Lines of a table: a title row, then a line per row, as wide as their cells. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const table = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => Math.max(...table.map((row) => lengthOf(row[index] ?? ''))));
  return table.map((row) =>
    columns
      .map(({ align }, index) => {
        const cell = row[index] ?? '';
        const blanks = ' '.repeat((widths[index] ?? 0) - lengthOf(cell));
        return align === 'right' ? blanks + cell : cell + blanks;
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** Lines of a text that is broken between words, each with the indentation. */
export function wrappedLines(text: string, indentation: string): string[] {
  const lines: string[] = [];
  for (const word of printable(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && lengthOf(last) + lengthOf(word) < WIDTH)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(indentation + word);
  }
  return lines;
}

/** Text of others must not control the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}

function lengthOf(text: string): number {
  return [...text].length;
}
