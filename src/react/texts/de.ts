import type { Interval, Texts } from './texts.ts';

const INTERVALS: Readonly<Record<Interval, string>> = {
  day: 'Tag',
  week: 'Woche',
  month: 'Monat',
  year: 'Jahr',
};

/** German. */
export const de: Texts = {
  loading: 'Wird geladen …',
  failed: 'Das kann gerade nicht angezeigt werden.',
  retry: 'Erneut versuchen',
  expired:
    'Diese Seite ist zu Ihrer Sicherheit abgelaufen. Öffnen Sie sie bitte noch einmal aus Ihrem Konto.',
  nothingYet: 'Bisher wurde nichts gezählt. Sobald es so weit ist, steht es hier.',
  stale: (time) => `Stand: ${time}. Verbindung wird wiederhergestellt …`,

  ofLimit: (limit, units) => `von ${limit} ${units}`,
  left: (quantity, units) => `noch ${quantity} ${units}`,
  over: (quantity, units) => `${quantity} ${units} darüber`,
  limitReached: 'Grenze erreicht',
  untilNextPrice: (quantity, units) => `noch ${quantity} ${units} bis zum nächsten Preis`,
  included: (quantity, units) => `${quantity} ${units} inklusive`,

  costSoFar: 'Bisherige Kosten',
  notBilled: 'In Ihrem Tarif wird davon nichts berechnet.',
  beforeTaxes: 'Nur die Nutzung, vor Steuern und Rabatten',
  flatFee: 'Pauschale',
  tiers: 'Preisstufen',
  tierQuantity: 'Menge',
  tierPrice: 'Preis',
  currentTier: 'Aktuelle Stufe',
  perUnit: (price, unit) => `${price} pro ${unit ?? 'Einheit'}`,
  perPackage: (price, size, units) => `${price} pro ${size} ${units}`,
  plusFee: (fee) => `zuzüglich ${fee}`,
  upTo: (first, last) => `${first} – ${last}`,
  from: (first) => `ab ${first}`,
  eachFrom: (each, first) => `ab ${first}: ${each}`,
  allFrom: (each, first) => `ab ${first} alle zu ${each}`,
  nextVolume: ({ from, units, unit, price, fee }) =>
    `Ab ${from} ${units} kostet ${unit === null ? 'jede Einheit' : `jeder ${unit}`} ${price}${fee === null ? '' : `, zuzüglich einmalig ${fee}`}.`,
  nextGraduated: ({ from, units, unit, price, fee }) =>
    `Ab ${from} ${units} kostet ${unit === null ? 'jede weitere Einheit' : `jeder weitere ${unit}`} ${price}${fee === null ? '' : `, zuzüglich einmalig ${fee}`}.`,

  usage: 'Nutzung',
  byHour: 'Stunden',
  byDay: 'Tage',
  granularity: 'Anzeigen nach',
  chartHelp: 'Mit den Pfeiltasten Balken für Balken lesen.',
  showTable: 'Als Tabelle zeigen',
  hideTable: 'Tabelle ausblenden',
  noUsage: 'Bisher wurde nichts genutzt.',
  when: 'Wann',
  total: 'Summe',

  plans: 'Tarife',
  currentPlan: 'Ihr Tarif',
  free: 'Ohne Kosten',
  perInterval: (price, interval) => `${price} pro ${INTERVALS[interval]}`,
  perSeat: (price, interval) => `${price} pro Platz und ${INTERVALS[interval]}`,
  noPlans: 'Es gibt keine Tarife zur Auswahl.',
  previewing: 'Es wird ermittelt, was sich ändern würde …',
  preview: (plan) => `Wechsel zu ${plan}`,
  noPreview: 'Was das kosten würde, lässt sich hier nicht ermitteln.',
  dueNow: 'Jetzt fällig',
  credit: 'Guthaben auf Ihrem Konto',
  nothingDue: 'Jetzt ist nichts fällig.',
  nextInvoice: (date) => `Nächste Rechnung am ${date}, ohne Nutzung`,
  confirm: (plan) => `Zu ${plan} wechseln`,
  changing: 'Wird gewechselt …',
  changePending: (plan) =>
    `Der Wechsel zu ${plan} läuft: Er ist abgeschlossen, sobald die bisherige Nutzung bestätigt ist.`,
  changeUnderWay: 'Eine andere Änderung läuft. Sobald sie abgeschlossen ist, können Sie den Tarif wechseln.',
  changed: (plan) => `Ihr Tarif ist jetzt ${plan}.`,
  paymentsPaused: 'Zahlungen sind ausgesetzt. Sobald sie weitergehen, können Sie den Tarif wechseln.',
  notSubscribed: 'Sie haben noch kein Abonnement. Schließen Sie es in Ihrem Konto ab.',
  subscribe: (plan) => `${plan} abonnieren`,

  seats: 'Plätze',
  pendingSeats: (quantity) => `${quantity}, sobald die Änderung abgeschlossen ist`,

  invoices: 'Rechnungen',
  noInvoices: 'Es gibt noch keine Rechnungen.',
  openInvoice: 'Rechnung öffnen',
  invoiceStatus: {
    draft: 'Entwurf',
    open: 'Offen',
    paid: 'Bezahlt',
    void: 'Storniert',
    uncollectible: 'Uneinbringlich',
  },
};
