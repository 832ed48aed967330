import { type Attributes, metrics, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { BillingProvider } from '../core/billing-provider.ts';
import type { Clock } from '../core/environment.ts';
import { DURATION, elapsedOn } from './elapsed.ts';
import { SCOPE } from './scope.ts';

/** Parameters that a span names. Never in metrics, which would have one series for each customer. */
const NAMED = ['meter', 'stripe_customer', 'stripe_subscription', 'invoice', 'identifier', 'quantity'];

/** Measures calls of the port to Stripe, each with a span around it that its requests are children of. */
export function measureProvider(provider: BillingProvider, priority: string, clock: Clock): BillingProvider {
  const tracer = trace.getTracer(SCOPE);
  const duration = metrics.getMeter(SCOPE).createHistogram('tallybook.stripe.call.duration', {
    ...DURATION,
    description: 'How long a call to Stripe took, the wait for its turn in the rate limit included.',
  });
  const measure = (call: string, params: unknown, run: () => Promise<unknown>) => {
    const attributes = { 'tallybook.call': call, 'tallybook.priority': priority };
    const elapsed = elapsedOn(clock);
    return tracer.startActiveSpan(
      `tallybook.stripe ${call}`,
      { attributes: { ...attributes, ...namesIn(params) } },
      (span) => {
        const end = (answer: unknown) => {
          const outcome = outcomeOf(answer);
          duration.record(elapsed(), { ...attributes, 'tallybook.outcome': outcome });
          endSpan(span, outcome, answer);
        };
        const answered = run();
        answered.then(end, end);
        return answered;
      },
    );
  };
  return new Proxy(provider, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || typeof name !== 'string') return method;
      return (params: unknown) => measure(name, params, () => Reflect.apply(method, target, [params]));
    },
  });
}

function namesIn(params: unknown): Attributes {
  if (typeof params !== 'object' || params === null) return {};
  const named = Object.entries(params).filter(([name]) => NAMED.includes(name));
  return Object.fromEntries(named.map(([name, value]) => [`tallybook.${name}`, value]));
}

/** The port's word for what Stripe answered; an error is none of Stripe's. */
function outcomeOf(answer: unknown): string {
  if (answer instanceof Error) return 'failed';
  if (typeof answer !== 'object' || answer === null || !('outcome' in answer)) return 'answered';
  return String(answer.outcome);
}

function endSpan(span: Span, outcome: string, answer: unknown): void {
  span.setAttribute('tallybook.outcome', outcome);
  if (outcome === 'failed' || outcome === 'unknown' || outcome === 'refused') {
    span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(answer) });
  }
  span.end();
}

function messageOf(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'message' in answer ? String(answer.message) : '';
}
