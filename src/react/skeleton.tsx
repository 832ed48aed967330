import type { ReactNode } from 'react';

export interface SkeletonProps {
  readonly lines: number;
  /** What a screen reader says. */
  readonly label: string;
}

/** In place of what is not known yet. */
export function Skeleton({ lines, label }: SkeletonProps): ReactNode {
  return (
    <div className="tallybook-skeleton" role="status">
      <span className="tallybook-hidden">{label}</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike and never move.
        <span key={line} aria-hidden="true" />
      ))}
    </div>
  );
}
