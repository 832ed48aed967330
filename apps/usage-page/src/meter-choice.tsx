import type { UnitNames } from '../../../src/react/index.ts';
import { titleOf } from '../../../src/react/units.ts';

export interface MeterChoiceProps {
  readonly label: string;
  readonly meters: readonly string[];
  readonly meter: string;
  readonly units: Readonly<Record<string, UnitNames>> | undefined;
  readonly onChoose: (meter: string) => void;
}

/** Which of several meters the page shows. */
export function MeterChoice({ label, meters, meter, units = {}, onChoose }: MeterChoiceProps) {
  return (
    <label>
      <span>{label}</span>
      <select value={meter} onChange={(event) => onChoose(event.target.value)}>
        {meters.map((each) => (
          <option key={each} value={each}>
            {(Object.hasOwn(units, each) ? units[each]?.title : undefined) ?? titleOf(each)}
          </option>
        ))}
      </select>
    </label>
  );
}
