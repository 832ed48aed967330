import { UsageError } from '../../../core/errors.ts';
import { MAX_QUANTITY } from '../../../core/quantity.ts';
import { DEMO_ACCOUNTS } from '../demo.ts';
import { UsageFileError } from './usage-file-error.ts';

/** What a row says, before its time is placed. An empty cell is absent. */
export interface UsageRow {
  readonly account: string;
  readonly quantity: number;
  readonly meter?: string;
  readonly idempotency_key?: string;
  /** As it is written in the file. */
  readonly timestamp?: string;
}

/** How the rows of a file are to be read, recognised by its header. */
export interface RowFormat {
  /** For people, when it is more than the columns say. */
  readonly description: string | null;
  /**
   * @param number of the row, from 1.
   * @throws UsageError `invalid_quantity`, `invalid_parameter`.
   */
  read(cells: readonly string[], number: number): UsageRow;
}

const USAGE_COLUMNS = ['account', 'quantity', 'timestamp', 'idempotency_key', 'meter'] as const;
const TRACE_COLUMNS = ['timestamp', 'contexttokens', 'generatedtokens'];
const REMEDY =
  'The first line must name the columns: account,quantity and if you like timestamp,idempotency_key,meter; or TIMESTAMP,ContextTokens,GeneratedTokens.';

/** @throws UsageFileError when the columns are not those of usage. */
export function recogniseFormat(header: readonly string[]): RowFormat {
  const columns = header.map((name) => name.trim().toLowerCase());
  if (new Set(columns).size < columns.length) throw new UsageFileError(`A column is there twice. ${REMEDY}`);
  if (TRACE_COLUMNS.every((name) => columns.includes(name)) && columns.length === TRACE_COLUMNS.length) {
    return traceFormat(columns);
  }
  const unknown = columns.find((name) => !USAGE_COLUMNS.some((known) => known === name));
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 40));
    throw new UsageFileError(`The column ${shown} is not known. ${REMEDY}`);
  }
  for (const needed of ['account', 'quantity']) {
    if (!columns.includes(needed)) throw new UsageFileError(`The column "${needed}" is missing. ${REMEDY}`);
  }
  return usageFormat(columns);
}

function usageFormat(columns: readonly string[]): RowFormat {
  return {
    description: null,
    read: (cells) => {
      const cell = cellsByName(columns, cells);
      const optional = (name: 'meter' | 'idempotency_key' | 'timestamp') =>
        cell(name) === '' ? {} : { [name]: cell(name) };
      return {
        account: cell('account'),
        quantity: wholeNumber('quantity', cell('quantity')),
        ...optional('meter'),
        ...optional('idempotency_key'),
        ...optional('timestamp'),
      };
    },
  };
}

/** The traces name no accounts, so the demonstration's take turns. */
function traceFormat(columns: readonly string[]): RowFormat {
  const names = DEMO_ACCOUNTS.map(({ account }) => account);
  return {
    description: `Requests to a language model: the tokens of each are counted, for ${names.join(', ')} in turn.`,
    read: (cells, number) => {
      const cell = cellsByName(columns, cells);
      const context = wholeNumber('ContextTokens', cell('contexttokens'));
      const generated = wholeNumber('GeneratedTokens', cell('generatedtokens'));
      return {
        account: names[(number - 1) % names.length] ?? '',
        quantity: context + generated,
        meter: 'tokens',
        timestamp: cell('timestamp'),
      };
    },
  };
}

function cellsByName(columns: readonly string[], cells: readonly string[]): (name: string) => string {
  if (cells.length !== columns.length) {
    const reason = `The row has ${cells.length} cells and the header ${columns.length}.`;
    throw new UsageError('invalid_parameter', { field: 'row', reason });
  }
  return (name) => cells[columns.indexOf(name)] ?? '';
}

/** Digits only: `1e3` and `0x10` are more likely mistakes than numbers. */
function wholeNumber(field: string, text: string): number {
  const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value <= MAX_QUANTITY) return value;
  throw new UsageError('invalid_quantity', { field, value: text });
}
