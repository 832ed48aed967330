import '../../../../src/react/style.css';
import '../../../usage-page/src/usage-page.css';
import '../page.css';
import './operator.css';
import { createRoot } from 'react-dom/client';
import { UsageProvider } from '../../../../src/react/index.ts';
import { OperatorPage } from './operator-page.tsx';

const POLL_MS = 1_000;

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <UsageProvider baseUrl="/" pollMs={POLL_MS}>
      <OperatorPage />
    </UsageProvider>,
  );
}
