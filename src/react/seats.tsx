import type { ReactNode } from 'react';
import type { SeatsResult } from '../client/wire.ts';
import { type ComponentProps, Frame } from './frame.tsx';
import { useSeats } from './hooks.ts';
import { useUsageContext } from './provider.tsx';

export interface SeatsProps extends ComponentProps {
  readonly account?: string | undefined;
  readonly initialData?: SeatsResult | undefined;
}

/** How many seats are billed, and what one costs. Nothing at all where the plan sells none. */
export function Seats({ account, initialData, title, ...rest }: SeatsProps): ReactNode {
  const { texts } = useUsageContext();
  const result = useSeats({ account }, { initialData });
  if (result.data === undefined) return null;
  return (
    <Frame name="seats" {...rest} title={title ?? texts.seats} result={result} lines={2}>
      {(seats) => <SeatCount {...seats} />}
    </Frame>
  );
}

function SeatCount({ seats, pending_seats, price, interval }: SeatsResult) {
  const { formats, texts } = useUsageContext();
  const unit = price.unit_amount_decimal;
  return (
    <>
      <p className="tallybook-figure">
        <strong>{formats.quantity(seats)}</strong>
        {unit === undefined ? null : (
          <span>{texts.perSeat(formats.money(unit, price.currency), interval)}</span>
        )}
      </p>
      {pending_seats === null ? null : (
        <p className="tallybook-notes">{texts.pendingSeats(formats.quantity(pending_seats))}</p>
      )}
    </>
  );
}
