import type {
  AsyncErrorRecord,
  CounterRecord,
  CustomerRecord,
  DelayedRequestRecord,
  DeliveryRecord,
  ErrorReportRecord,
  EventRecord,
  InvoiceItemRecord,
  InvoiceRecord,
  ItemOwnerRecord,
  MeterEventRecord,
  MeterRecord,
  PriceRecord,
  ProductRecord,
  SavedAnswerRecord,
  SubscriptionRecord,
} from './records.ts';
import type {
  EventDestinationRecord,
  PortalConfigurationRecord,
  WebhookEndpointRecord,
} from './setting-records.ts';

/** A record that changed since the last save; null: it was deleted. */
export interface Change {
  readonly kind: string;
  readonly id: string;
  readonly record: object | null;
}

/** Records of one kind in the order in which they were created. */
class Table<T extends { readonly id: string }> {
  readonly #kind: string;
  readonly #ownerOf: (record: T) => string | null;
  readonly #records = new Map<string, T>();
  readonly #idsByOwner = new Map<string, Set<string>>();
  readonly #unsaved = new Set<string>();

  /** @param ownerOf whom a record belongs to, for ever; null: nobody. */
  constructor(kind: string, ownerOf: (record: T) => string | null = () => null) {
    this.#kind = kind;
    this.#ownerOf = ownerOf;
  }

  get(id: string): T | undefined {
    return this.#records.get(id);
  }

  put(record: T): T {
    this.restore(record);
    this.#unsaved.add(record.id);
    return record;
  }

  delete(id: string): void {
    const record = this.#records.get(id);
    const owner = record && this.#ownerOf(record);
    if (owner != null) this.#idsByOwner.get(owner)?.delete(id);
    this.#records.delete(id);
    this.#unsaved.add(id);
  }

  values(): IterableIterator<T> {
    return this.#records.values();
  }

  newestFirst(): T[] {
    return [...this.#records.values()].reverse();
  }

  /** The records of an owner, found without a walk over all others. */
  of(owner: string): T[] {
    return [...(this.#idsByOwner.get(owner) ?? [])].flatMap((id) => this.#records.get(id) ?? []);
  }

  /** Takes back a saved record as it is. */
  restore(record: T): void {
    const isNew = !this.#records.has(record.id);
    this.#records.set(record.id, record);
    const owner = isNew ? this.#ownerOf(record) : null;
    if (owner === null) return;
    const ids = this.#idsByOwner.get(owner);
    if (ids) ids.add(record.id);
    else this.#idsByOwner.set(owner, new Set([record.id]));
  }

  /** What changed since the last call. */
  takeChanges(): Change[] {
    const changes = [...this.#unsaved].map((id) => ({
      kind: this.#kind,
      id,
      record: this.#records.get(id) ?? null,
    }));
    this.#unsaved.clear();
    return changes;
  }
}

/** Everything that the simulator remembers. Handlers refuse before they write, so a refused request leaves no trace. */
export class SimulatorState {
  readonly customers = new Table<CustomerRecord>('customer');
  readonly products = new Table<ProductRecord>('product');
  readonly meters = new Table<MeterRecord>('meter');
  readonly prices = new Table<PriceRecord>('price');
  readonly subscriptions = new Table<SubscriptionRecord>('subscription', customerOf);
  readonly itemOwners = new Table<ItemOwnerRecord>('item_owner');
  readonly invoiceItems = new Table<InvoiceItemRecord>('invoice_item', customerOf);
  readonly invoices = new Table<InvoiceRecord>('invoice', customerOf);
  readonly meterEvents = new Table<MeterEventRecord>('meter_event');
  readonly asyncErrors = new Table<AsyncErrorRecord>('async_error');
  readonly errorReports = new Table<ErrorReportRecord>('error_report');
  readonly events = new Table<EventRecord>('event');
  readonly deliveries = new Table<DeliveryRecord>('delivery');
  readonly savedAnswers = new Table<SavedAnswerRecord>('saved_answer');
  readonly delayedRequests = new Table<DelayedRequestRecord>('delayed_request');
  readonly counters = new Table<CounterRecord>('counter');
  readonly webhookEndpoints = new Table<WebhookEndpointRecord>('webhook_endpoint');
  readonly eventDestinations = new Table<EventDestinationRecord>('event_destination');
  readonly portalConfigurations = new Table<PortalConfigurationRecord>('portal_configuration');

  /** Takes back a record of a state file. */
  restore(kind: string, record: object): void {
    // Only this module wrote the file, so the kind says what the record is.
    if (kind === 'customer') this.customers.restore(record as CustomerRecord);
    else if (kind === 'product') this.products.restore(record as ProductRecord);
    else if (kind === 'meter') this.meters.restore(record as MeterRecord);
    else if (kind === 'price') this.prices.restore(record as PriceRecord);
    else if (kind === 'subscription') this.subscriptions.restore(record as SubscriptionRecord);
    else if (kind === 'item_owner') this.itemOwners.restore(record as ItemOwnerRecord);
    else if (kind === 'invoice_item') this.invoiceItems.restore(record as InvoiceItemRecord);
    else if (kind === 'invoice') this.invoices.restore(record as InvoiceRecord);
    else if (kind === 'meter_event') this.meterEvents.restore(record as MeterEventRecord);
    else if (kind === 'async_error') this.asyncErrors.restore(record as AsyncErrorRecord);
    else if (kind === 'error_report') this.errorReports.restore(record as ErrorReportRecord);
    else if (kind === 'event') this.events.restore(record as EventRecord);
    else if (kind === 'delivery') this.deliveries.restore(record as DeliveryRecord);
    else if (kind === 'saved_answer') this.savedAnswers.restore(record as SavedAnswerRecord);
    else if (kind === 'delayed_request') this.delayedRequests.restore(record as DelayedRequestRecord);
    else if (kind === 'counter') this.counters.restore(record as CounterRecord);
    else if (kind === 'webhook_endpoint') this.webhookEndpoints.restore(record as WebhookEndpointRecord);
    else if (kind === 'event_destination') this.eventDestinations.restore(record as EventDestinationRecord);
    else if (kind === 'portal_configuration')
      this.portalConfigurations.restore(record as PortalConfigurationRecord);
    else throw new Error(`The state file holds a record of an unknown kind: ${kind}`);
  }

  takeChanges(): Change[] {
    return [
      this.customers,
      this.products,
      this.meters,
      this.prices,
      this.subscriptions,
      this.itemOwners,
      this.invoiceItems,
      this.invoices,
      this.meterEvents,
      this.asyncErrors,
      this.errorReports,
      this.events,
      this.deliveries,
      this.savedAnswers,
      this.delayedRequests,
      this.counters,
      this.webhookEndpoints,
      this.eventDestinations,
      this.portalConfigurations,
    ].flatMap((table) => table.takeChanges());
  }
}

function customerOf({ customer }: { readonly customer: string }): string {
  return customer;
}
