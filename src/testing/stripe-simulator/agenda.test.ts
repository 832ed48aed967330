import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AGENDA_KINDS, Agenda, type AgendaEntry } from './agenda.ts';

test('entries come back by time, then by kind, then by id', () => {
  const entry: fc.Arbitrary<AgendaEntry> = fc.record({
    at: fc.integer({ min: 0, max: 5 }),
    kind: fc.constantFrom(...AGENDA_KINDS),
    id: fc.constantFrom('a', 'b', 'c'),
  });
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const agenda = new Agenda();
      for (const one of entries) agenda.push(one);
      const popped: AgendaEntry[] = [];
      for (let next = agenda.pop(); next !== undefined; next = agenda.pop()) popped.push(next);
      const sorted = [...entries].sort(
        (a, b) =>
          a.at - b.at ||
          AGENDA_KINDS.indexOf(a.kind) - AGENDA_KINDS.indexOf(b.kind) ||
          a.id.localeCompare(b.id),
      );
      expect(popped).toEqual(sorted);
    }),
  );
});

test('at the same instant usage is counted before the period ends and the invoice is finalised', () => {
  expect(AGENDA_KINDS.indexOf('count')).toBeLessThan(AGENDA_KINDS.indexOf('period_end'));
  expect(AGENDA_KINDS.indexOf('count')).toBeLessThan(AGENDA_KINDS.indexOf('finalize'));
});
