import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';
import type { UsageWindowsResult } from '../client/wire.ts';
import { lastUsed, placeBars } from './bars.ts';
import { type ComponentProps, Frame } from './frame.tsx';
import { useChartWindows } from './hooks.ts';
import { useUsageContext } from './provider.tsx';

export interface UsageChartProps extends ComponentProps {
  readonly account?: string | undefined;
  /** Default: the only meter, or the default one. */
  readonly meter?: string | undefined;
  /** What it shows at first. Default: `'day'`. */
  readonly window?: ChartWindow;
  /** Of hours. Default: the last 24 hours in which something was used. */
  readonly hours?: number;
  readonly initialData?: UsageWindowsResult | undefined;
}

export type ChartWindow = 'hour' | 'day';
const WINDOWS = ['day', 'hour'] as const;
const HOURS = 24;

/** Usage day by day, or hour by hour, of the billing period. Behind it is a table, for whoever cannot see it. */
export function UsageChart(props: UsageChartProps): ReactNode {
  const { account, meter, window: first = 'day', hours = HOURS, initialData, title, ...rest } = props;
  const { texts } = useUsageContext();
  const [window, setWindow] = useState<ChartWindow>(first);
  const initial = window === first ? initialData : undefined;
  const result = useChartWindows({ account, meter, window }, hours, { initialData: initial });
  const choice = <Choice window={window} onChoose={setWindow} />;
  return (
    <Frame name="chart" {...rest} title={title ?? texts.usage} result={result} lines={6} actions={choice}>
      {(usage) => <Chart key={window} usage={window === 'hour' ? lastUsed(usage, hours) : usage} />}
    </Frame>
  );
}

interface ChoiceProps {
  readonly window: ChartWindow;
  readonly onChoose: (window: ChartWindow) => void;
}

function Choice({ window, onChoose }: ChoiceProps) {
  const { texts } = useUsageContext();
  return (
    <fieldset className="tallybook-choice">
      <legend className="tallybook-hidden">{texts.granularity}</legend>
      {WINDOWS.map((name) => (
        <button key={name} type="button" aria-pressed={window === name} onClick={() => onChoose(name)}>
          {name === 'day' ? texts.byDay : texts.byHour}
        </button>
      ))}
    </fieldset>
  );
}

function Chart({ usage }: { readonly usage: UsageWindowsResult }) {
  const { formats, units, texts } = useUsageContext();
  const [active, setActive] = useState<number | null>(null);
  const [hasTable, setHasTable] = useState(false);
  const table = useId();
  if (usage.quantity === 0) return <p className="tallybook-empty">{texts.noUsage}</p>;
  const shown = active === null ? undefined : usage.windows[active];
  const wordsOf = (quantity: number) => `${formats.quantity(quantity)} ${units.of(usage.meter, quantity)}`;
  return (
    <>
      <p className="tallybook-readout">
        <bdi>
          {shown
            ? formats.window(shown.start, usage.window)
            : formats.period(usage.period_start, usage.period_end)}
        </bdi>
        <strong className="tallybook-number">{wordsOf(shown?.quantity ?? usage.quantity)}</strong>
      </p>
      <Plot usage={usage} active={active} onActivate={setActive} wordsOf={wordsOf} />
      <div className={hasTable ? 'tallybook-scroll' : 'tallybook-hidden'} id={table}>
        <Table usage={usage} />
      </div>
      <button
        type="button"
        className="tallybook-link"
        aria-expanded={hasTable}
        aria-controls={table}
        onClick={() => setHasTable(!hasTable)}
      >
        {hasTable ? texts.hideTable : texts.showTable}
      </button>
    </>
  );
}

interface PlotProps {
  readonly usage: UsageWindowsResult;
  readonly active: number | null;
  readonly onActivate: (index: number | null) => void;
  readonly wordsOf: (quantity: number) => string;
}

/** To a keyboard and a screen reader it is one slider, whose steps are the bars. */
function Plot({ usage, active, onActivate, wordsOf }: PlotProps) {
  const { formats, texts, dir } = useUsageContext();
  const { windows, window } = usage;
  const { bars, top, ticks } = placeBars(windows, dir === 'rtl');
  const last = windows.length - 1;
  const index = active ?? lastWithUsage(windows);
  const current = windows[index];

  function move(event: KeyboardEvent): void {
    const forward = dir === 'rtl' ? -1 : 1;
    const moves: Readonly<Record<string, number>> = {
      ArrowRight: index + (active === null ? 0 : forward),
      ArrowLeft: index - (active === null ? 0 : forward),
      ArrowUp: index + 1,
      ArrowDown: index - 1,
      Home: 0,
      End: last,
    };
    if (event.key === 'Escape') onActivate(null);
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onActivate(Math.min(last, Math.max(0, to)));
  }

  return (
    <div className="tallybook-plot">
      <div className="tallybook-scale" aria-hidden="true">
        <span>{formats.quantity(top)}</span>
        <span>{formats.quantity(top / 2)}</span>
        <span>{formats.quantity(0)}</span>
      </div>
      <div
        className="tallybook-bars"
        role="slider"
        tabIndex={0}
        aria-label={`${texts.usage}. ${texts.chartHelp}`}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={index}
        aria-valuetext={
          current ? `${formats.window(current.start, window)}: ${wordsOf(current.quantity)}` : ''
        }
        onKeyDown={move}
        onBlur={() => onActivate(null)}
        onMouseLeave={() => onActivate(null)}
      >
        <svg width="100%" height="100%" aria-hidden="true" focusable="false">
          {['0.5', '50%', '100%'].map((y) => (
            <line key={y} className="tallybook-grid" x1="0" x2="100%" y1={y} y2={y} />
          ))}
          {bars.map(({ start, x, width, y, height, hit_x, hit_width }, at) => (
            // biome-ignore lint/a11y/noStaticElementInteractions: the keyboard has the slider around it.
            <g key={start} data-active={at === active || undefined} onMouseEnter={() => onActivate(at)}>
              <rect className="tallybook-hit" x={hit_x} width={hit_width} height="100%" />
              <rect className="tallybook-column" x={x} width={width} y={y} height={height} rx="2" />
            </g>
          ))}
        </svg>
      </div>
      <div className="tallybook-ticks" aria-hidden="true">
        {ticks.map((start) => (
          <span key={start}>{formats.tick(start, window)}</span>
        ))}
      </div>
    </div>
  );
}

function lastWithUsage(windows: UsageWindowsResult['windows']): number {
  const found = windows.findLastIndex(({ quantity }) => quantity !== 0);
  return found === -1 ? windows.length - 1 : found;
}

function Table({ usage }: { readonly usage: UsageWindowsResult }) {
  const { formats, units, texts } = useUsageContext();
  return (
    <table className="tallybook-table">
      <caption className="tallybook-hidden">{texts.usage}</caption>
      <thead>
        <tr>
          <th scope="col">{texts.when}</th>
          <th scope="col" className="tallybook-number">
            {units.title(usage.meter)}
          </th>
        </tr>
      </thead>
      <tbody>
        {usage.windows.map(({ start, quantity }) => (
          <tr key={start}>
            <th scope="row">{formats.window(start, usage.window)}</th>
            <td className="tallybook-number">{formats.quantity(quantity)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{texts.total}</th>
          <td className="tallybook-number">{formats.quantity(usage.quantity)}</td>
        </tr>
      </tfoot>
    </table>
  );
}
