/** What the components say, in one language. Numbers, money and dates come formatted. */
export interface Texts {
  readonly loading: string;
  readonly failed: string;
  readonly retry: string;
  /** The server no longer takes the page's token. */
  readonly expired: string;
  /** Nothing was ever counted for the account. */
  readonly nothingYet: string;
  /** The last answer is older than it should be. */
  readonly stale: (time: string) => string;

  /** `1,234 of 5,000 credits` without the first number. */
  readonly ofLimit: (limit: string, units: string) => string;
  readonly left: (quantity: string, units: string) => string;
  readonly over: (quantity: string, units: string) => string;
  readonly limitReached: string;
  readonly untilNextPrice: (quantity: string, units: string) => string;
  readonly included: (quantity: string, units: string) => string;

  readonly costSoFar: string;
  readonly notBilled: string;
  readonly beforeTaxes: string;
  readonly flatFee: string;
  readonly tiers: string;
  readonly tierQuantity: string;
  readonly tierPrice: string;
  readonly currentTier: string;
  /** `unit`: null = it has no name for a single one. */
  readonly perUnit: (price: string, unit: string | null) => string;
  readonly perPackage: (price: string, size: string, units: string) => string;
  readonly plusFee: (fee: string) => string;
  readonly upTo: (first: string, last: string) => string;
  readonly from: (first: string) => string;
  /** `each` is the price of a unit, as `perUnit` says it: of what goes beyond. */
  readonly eachFrom: (each: string, first: string) => string;
  /** The same of everything, once there is so much. */
  readonly allFrom: (each: string, first: string) => string;
  /** The next tier prices everything. */
  readonly nextVolume: (step: NextTierWords) => string;
  /** The next tier prices what goes beyond. */
  readonly nextGraduated: (step: NextTierWords) => string;

  readonly usage: string;
  readonly byHour: string;
  readonly byDay: string;
  readonly granularity: string;
  readonly chartHelp: string;
  readonly showTable: string;
  readonly hideTable: string;
  readonly noUsage: string;
  readonly when: string;
  readonly total: string;

  readonly plans: string;
  readonly currentPlan: string;
  readonly free: string;
  readonly perInterval: (price: string, interval: Interval) => string;
  readonly perSeat: (price: string, interval: Interval) => string;
  readonly noPlans: string;
  readonly previewing: string;
  readonly preview: (plan: string) => string;
  readonly noPreview: string;
  readonly dueNow: string;
  /** In place of `dueNow` where a change leaves the customer something. */
  readonly credit: string;
  readonly nothingDue: string;
  readonly nextInvoice: (date: string) => string;
  readonly confirm: (plan: string) => string;
  readonly changing: string;
  readonly changePending: (plan: string) => string;
  /** A change of something else, or of which nothing else is known. */
  readonly changeUnderWay: string;
  readonly changed: (plan: string) => string;
  readonly paymentsPaused: string;
  /** There is nothing to change yet, and nothing here that subscribes. */
  readonly notSubscribed: string;
  readonly subscribe: (plan: string) => string;

  readonly seats: string;
  readonly pendingSeats: (quantity: string) => string;

  readonly invoices: string;
  readonly noInvoices: string;
  readonly openInvoice: string;
  readonly invoiceStatus: Readonly<Record<string, string>>;
}

export type Interval = 'day' | 'week' | 'month' | 'year';

export interface NextTierWords {
  /** The first unit of the tier. */
  readonly from: string;
  readonly units: string;
  /** null = it has no name for a single one. */
  readonly unit: string | null;
  readonly price: string;
  /** null = the tier has none. */
  readonly fee: string | null;
}
