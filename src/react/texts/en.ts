import type { Texts } from './texts.ts';

/** English, the default. */
export const en: Texts = {
  loading: 'Loading …',
  failed: 'This cannot be shown at the moment.',
  retry: 'Try again',
  expired: 'For your safety, this page has timed out. Open it again from your account.',
  nothingYet: 'Nothing has been counted yet. Usage appears here as soon as it is counted.',
  stale: (time) => `As of ${time}. Trying to reconnect …`,

  ofLimit: (limit, units) => `of ${limit} ${units}`,
  left: (quantity, units) => `${quantity} ${units} left`,
  over: (quantity, units) => `${quantity} ${units} over`,
  limitReached: 'Limit reached',
  untilNextPrice: (quantity, units) => `${quantity} ${units} until the next price`,
  included: (quantity, units) => `${quantity} ${units} included`,

  costSoFar: 'Cost so far',
  notBilled: 'Nothing of this is billed on your plan.',
  beforeTaxes: 'Usage only, before taxes and discounts',
  flatFee: 'Flat fee',
  tiers: 'Price tiers',
  tierQuantity: 'Quantity',
  tierPrice: 'Price',
  currentTier: 'Current tier',
  perUnit: (price, unit) => `${price} per ${unit}`,
  perPackage: (price, size, units) => `${price} per ${size} ${units}`,
  plusFee: (fee) => `plus ${fee}`,
  upTo: (first, last) => `${first} – ${last}`,
  from: (first) => `from ${first} on`,
  nextVolume: ({ from, units, unit, price, fee }) =>
    `From ${from} ${units} on, every ${unit} costs ${price}${fee === null ? '' : `, plus ${fee} once`}.`,
  nextGraduated: ({ from, units, unit, price, fee }) =>
    `From ${from} ${units} on, each further ${unit} costs ${price}${fee === null ? '' : `, plus ${fee} once`}.`,

  usage: 'Usage',
  byHour: 'Hours',
  byDay: 'Days',
  granularity: 'Show by',
  chartHelp: 'Use the arrow keys to read it bar by bar.',
  showTable: 'Show as a table',
  hideTable: 'Hide the table',
  noUsage: 'Nothing was used yet.',
  when: 'When',
  total: 'Total',

  plans: 'Plans',
  currentPlan: 'Current plan',
  free: 'No charge',
  perInterval: (price, interval) => `${price} per ${interval}`,
  perSeat: (price, interval) => `${price} per seat and ${interval}`,
  noPlans: 'There are no plans to choose from.',
  previewing: 'Working out what would change …',
  preview: (plan) => `Changing to ${plan}`,
  noPreview: 'What this would cost cannot be worked out here.',
  dueNow: 'Due now',
  nothingDue: 'Nothing is due now.',
  nextInvoice: (date) => `Next invoice on ${date}, before usage`,
  confirm: (plan) => `Change to ${plan}`,
  changing: 'Changing …',
  changePending: (plan) =>
    `The change to ${plan} is under way: it is done once all usage so far is confirmed.`,
  changed: (plan) => `You are on ${plan} now.`,

  seats: 'Seats',
  pendingSeats: (quantity) => `${quantity} as soon as the change is done`,

  invoices: 'Invoices',
  noInvoices: 'There are no invoices yet.',
  openInvoice: 'Open the invoice',
  invoiceStatus: { draft: 'Draft', open: 'Open', paid: 'Paid', void: 'Void', uncollectible: 'Uncollectible' },
};
