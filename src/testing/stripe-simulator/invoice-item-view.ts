import { pricingView } from './invoice-view.ts';
import type { JsonObject } from './json.ts';
import type { InvoiceItemRecord } from './records.ts';
import type { Simulation } from './simulation.ts';

export function invoiceItemView({ state }: Simulation, item: InvoiceItemRecord): JsonObject {
  const { line } = item;
  const { subscription, subscription_item } = line;
  return {
    id: item.id,
    object: 'invoiceitem',
    amount: line.amount,
    currency: item.currency,
    customer: item.customer,
    customer_account: null,
    date: item.created,
    description: line.description === '' ? null : line.description,
    discountable: !line.proration && line.amount >= 0,
    discounts: [],
    invoice: item.invoice,
    livemode: false,
    metadata: line.metadata,
    net_amount: line.amount,
    parent:
      subscription === null
        ? null
        : {
            subscription_details: {
              subscription,
              ...(subscription_item === null ? {} : { subscription_item }),
            },
            type: 'subscription_details',
          },
    period: { end: line.period.end, start: line.period.start },
    pricing:
      line.price === null
        ? { type: 'price_details', unit_amount_decimal: line.unit_amount_decimal }
        : pricingView(line, line.price, state.prices.get(line.price)?.product),
    proration: line.proration,
    quantity: line.quantity,
    quantity_decimal: String(line.quantity),
    tax_rates: [],
    test_clock: null,
  };
}
