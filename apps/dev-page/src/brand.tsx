import type { ReactNode } from 'react';

/** The sign and the name, and after it which page it is. */
export function Brand({ children }: { readonly children: ReactNode }) {
  return (
    <h1 className="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" />
        <path d="M9 9v14M14 9v14M19 9v14M24 9v14M6 20 27 12" />
      </svg>
      Tallybook <small>{children}</small>
    </h1>
  );
}
