import { type ComponentType, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { AccountSwitch } from './account-switch.tsx';
import { Cards } from './cards.tsx';
import { Chart } from './chart.tsx';
import { ChoosingAPlan } from './choosing-a-plan.tsx';
import { Recording } from './recording.tsx';

/** Small apps, by the name in the address. */
const SCENES: Readonly<Record<string, ComponentType>> = {
  'account-switch': AccountSwitch,
  cards: Cards,
  chart: Chart,
  'choosing-a-plan': ChoosingAPlan,
  recording: Recording,
};

const Scene = SCENES[location.pathname.slice(1)];
const root = document.getElementById('root');
if (Scene && root) {
  createRoot(root).render(
    <StrictMode>
      <Scene />
    </StrictMode>,
  );
}
