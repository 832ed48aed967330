import { StrictMode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { Page } from './page.tsx';

const root = document.getElementById('root');
const data = document.getElementById('data')?.textContent;
if (root && data) {
  hydrateRoot(
    root,
    <StrictMode>
      <Page data={JSON.parse(data)} />
    </StrictMode>,
  );
}
