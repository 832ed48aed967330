import { GONE } from '../app/fate.ts';
import { InvariantBroken } from '../invariants/broken.ts';
import { SECOND } from '../time.ts';
import type { Scene } from './scene.ts';

/** What is overdue is tried again after so long, as a worker in its loop would. */
const OVERDUE_STEP = 10 * SECOND;
/** While another worker's lease has not run out, ever more seldom, up to a minute. */
const MAX_OVERDUE_STEPS = 6;
/** More steps than this in one stretch of time is a loop that makes no progress. */
const MAX_STEPS = 5_000;

/**
 * Lets time pass with every process's worker running: stops wherever Stripe or the report job has something to do, in
 * the order of time. Which worker is first, alone, or beside the other, is the seed's choice, and whether Stripe's events
 * arrive before them or meanwhile.
 *
 * @param isOver asked at every stop; true = the rest of the time need not pass.
 */
export async function pass(
  scene: Scene,
  to: number,
  isOver: () => Promise<boolean> = async () => false,
): Promise<void> {
  const { simulator } = scene.stripe;
  let worker = scene.random.integer(0, scene.processCount - 1);
  let dueAt = scene.now;
  let overdueSteps = 0;
  for (let steps = 0; ; steps += 1) {
    if (steps === MAX_STEPS) throw new InvariantBroken('I15', `something stays due before ${to}`);
    const isBeside = scene.schedule.events !== 'none' && scene.random.chance(0.1);
    const isTold = isBeside || (await scene.settle());
    // A worker that has nothing to do is asked now and then all the same.
    if (isTold || scene.now >= dueAt || scene.random.chance(0.05)) {
      worker = scene.random.integer(0, scene.processCount - 1);
      if (isBeside || (scene.processCount > 1 && scene.random.chance(0.2))) await tickTogether(scene);
      else await scene.call(worker, (usage) => usage.worker.tick());
      const next = await scene.call(worker, (usage) => usage.worker.nextDueAt());
      // Of a clock that is ahead, something is due as much sooner.
      dueAt = next === GONE ? scene.now : next - scene.skewOf(worker);
      overdueSteps = dueAt <= scene.now ? Math.min(overdueSteps + 1, MAX_OVERDUE_STEPS) : 0;
    }
    if (scene.now >= to || (await isOver())) return;
    const due = Math.max(dueAt, scene.now + OVERDUE_STEP * Math.max(1, overdueSteps));
    const event = simulator.nextEventAt();
    scene.clock.moveTo(Math.min(to, due, event !== null && event > scene.now ? event : due));
  }
}

async function tickTogether(scene: Scene): Promise<void> {
  await scene.race([
    [0, (usage) => usage.worker.tick()],
    [1, (usage) => usage.worker.tick()],
  ]);
}

/** Time passes while nobody works. */
export function skip(scene: Scene, ms: number): void {
  scene.miss(scene.now, scene.now + ms);
  scene.clock.moveTo(scene.now + ms);
}
