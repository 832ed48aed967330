import { fileURLToPath } from 'node:url';
import { type SimulateParams, type Simulation, simulate } from '../../simulation/runner/simulate.ts';

const PROGRAM = fileURLToPath(new URL('./run-seeds.ts', import.meta.url));

/** Runs seeds of the model test in several processes, and stops at the first failures. */
export async function simulateModel(params: SimulateParams): Promise<Simulation> {
  return await simulate({ ...params, program: PROGRAM });
}
