import { StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { Page, type PageData } from './page.tsx';

/** The page as a server of an app sends it. */
export function render(data: PageData): string {
  return renderToString(
    <StrictMode>
      <Page data={data} />
    </StrictMode>,
  );
}
