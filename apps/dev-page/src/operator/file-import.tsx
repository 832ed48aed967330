import { type ChangeEvent, type DragEvent, useState } from 'react';
import type { ImportState } from '../../../../src/cli/dev/import/usage-import.ts';
import { importFile } from './operator-api.ts';
import { useAction } from './use-action.ts';
import { numberText } from './written.tsx';

/** Where a file of usage is dropped or chosen, and what became of those before. */
export function FileImport({ imports }: { readonly imports: readonly ImportState[] }) {
  const { act, refusal } = useAction();
  const [isOver, setIsOver] = useState(false);

  function choose({ target }: ChangeEvent<HTMLInputElement>): void {
    const [file] = target.files ?? [];
    if (file) act(() => importFile(file));
    target.value = '';
  }

  function drop(event: DragEvent): void {
    event.preventDefault();
    setIsOver(false);
    for (const file of event.dataTransfer.files) act(() => importFile(file));
  }

  function dragOver(event: DragEvent): void {
    event.preventDefault();
    setIsOver(true);
  }

  return (
    <>
      <label
        className={isOver ? 'drop over' : 'drop'}
        onDragOver={dragOver}
        onDragLeave={() => setIsOver(false)}
        onDrop={drop}
      >
        Drop a CSV file here, or choose one
        <input type="file" accept=".csv,text/csv" onChange={choose} />
        <small>
          Columns: account, quantity and if you like timestamp, idempotency_key, meter. Traces of language
          models with TIMESTAMP, ContextTokens, GeneratedTokens are recognised too. The same file again counts
          once.
        </small>
      </label>
      <p role="alert" className="bad">
        {refusal}
      </p>
      <div aria-live="polite">
        {imports.map((state, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: files can have one name, and have no state here.
          <ImportCard key={index} state={state} />
        ))}
      </div>
    </>
  );
}

function ImportCard({ state }: { readonly state: ImportState }) {
  const { rows, empty, refusals, error, notes } = state;
  const seconds = Math.max(state.duration_ms, 1) / 1_000;
  return (
    <article>
      <h3>
        {state.name} <small>{state.state}</small>
      </h3>
      <p>
        {numberText(rows)} rows: {numberText(state.recorded)} recorded, {numberText(state.duplicate)}{' '}
        duplicate, {numberText(state.refused)} refused
        {empty > 0 ? `, ${numberText(empty)} of quantity 0` : ''} · {numberText(Math.round(rows / seconds))}{' '}
        rows/s
      </p>
      {error === null ? null : <p className="bad">{error}</p>}
      {notes.map((note) => (
        <p key={note}>
          <small>{note}</small>
        </p>
      ))}
      {refusals.length === 0 ? null : (
        <ul>
          {refusals.map(({ line, reason }) => (
            <li key={line} className="bad">
              Line {line}: {reason}
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}
