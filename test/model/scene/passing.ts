import { GONE } from '../../simulation/app/fate.ts';
import { InvariantBroken } from '../../simulation/invariants/broken.ts';
import { SECOND } from '../../simulation/time.ts';
import { type ModelScene, PROCESS_COUNT } from './scene.ts';

/** What is overdue is tried again after so long, as a worker in its loop would. */
const OVERDUE_STEP = 5 * SECOND;
/** While another worker's lease has not run out, ever more seldom, up to a minute. */
const MAX_OVERDUE_STEPS = 12;
/** More steps than this in one stretch of time is a loop that makes no progress. */
const MAX_STEPS = 10_000;

/**
 * Lets time pass with the workers running: stops wherever Stripe or the report job has something to do, in the order of
 * time. Which worker is at it, and whether both are, is the seed's choice.
 *
 * @param isOver asked at every stop; true = the rest of the time need not pass.
 */
export async function pass(
  scene: ModelScene,
  to: number,
  isOver: () => Promise<boolean> = async () => false,
): Promise<void> {
  const { simulator, random, clock } = scene;
  let dueAt = scene.now;
  let overdue = 0;
  for (let steps = 0; ; steps += 1) {
    if (steps === MAX_STEPS) throw new InvariantBroken('I15', `something stays due before ${to}`);
    await scene.settle();
    if (scene.now >= dueAt || scene.schedule.with_webhooks || random.chance(0.05)) {
      const worker = random.integer(0, PROCESS_COUNT - 1);
      if (random.chance(0.1)) await tickTogether(scene);
      else await scene.call(worker, (usage) => usage.worker.tick());
      const next = await scene.call(worker, (usage) => usage.worker.nextDueAt());
      dueAt = next === GONE ? scene.now : next;
      overdue = dueAt <= scene.now ? Math.min(overdue + 1, MAX_OVERDUE_STEPS) : 0;
    }
    if (scene.now >= to || (await isOver())) return;
    const due = Math.max(dueAt, scene.now + OVERDUE_STEP * Math.max(1, overdue));
    const event = simulator.nextEventAt();
    clock.moveTo(Math.min(to, due, event !== null && event > scene.now ? event : due));
  }
}

async function tickTogether(scene: ModelScene): Promise<void> {
  await scene.race([
    [0, (usage) => usage.worker.tick()],
    [1, (usage) => usage.worker.tick()],
  ]);
}
