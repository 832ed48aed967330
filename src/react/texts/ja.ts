import type { Interval, Texts } from './texts.ts';

const INTERVALS: Readonly<Record<Interval, string>> = { day: '日', week: '週', month: '月', year: '年' };

/** Japanese. */
export const ja: Texts = {
  loading: '読み込み中…',
  failed: '現在表示できません。',
  retry: '再試行',
  expired: '安全のため、このページの有効期限が切れました。アカウントからもう一度開いてください。',
  nothingYet: 'まだ記録がありません。利用が始まるとここに表示されます。',
  stale: (time) => `${time} 時点の情報です。再接続しています…`,

  ofLimit: (limit, units) => `/ ${limit} ${units}`,
  left: (quantity, units) => `残り ${quantity} ${units}`,
  over: (quantity, units) => `${quantity} ${units} 超過`,
  limitReached: '上限に達しました',
  untilNextPrice: (quantity, units) => `次の価格まであと ${quantity} ${units}`,
  included: (quantity, units) => `${quantity} ${units} 込み`,

  costSoFar: '現在までの料金',
  notBilled: 'ご利用のプランでは課金されません。',
  beforeTaxes: '従量分のみ（税・割引前）',
  flatFee: '定額料金',
  tiers: '料金段階',
  tierQuantity: '数量',
  tierPrice: '料金',
  currentTier: '現在の段階',
  perUnit: (price, unit) => `1 ${unit}あたり ${price}`,
  perPackage: (price, size, units) => `${size} ${units}あたり ${price}`,
  plusFee: (fee) => `別途 ${fee}`,
  upTo: (first, last) => `${first}〜${last}`,
  from: (first) => `${first} 以上`,
  nextVolume: ({ from, units, unit, price, fee }) =>
    `${from} ${units}以上になると、すべての${unit}が ${price} になります${fee === null ? '' : `（別途 ${fee}）`}。`,
  nextGraduated: ({ from, units, unit, price, fee }) =>
    `${from} ${units}目からは、1 ${unit}あたり ${price} です${fee === null ? '' : `（別途 ${fee}）`}。`,

  usage: '利用状況',
  byHour: '時間',
  byDay: '日',
  granularity: '表示単位',
  chartHelp: '矢印キーで棒を一つずつ読み上げます。',
  showTable: '表で表示',
  hideTable: '表を隠す',
  noUsage: 'まだ利用がありません。',
  when: '日時',
  total: '合計',

  plans: 'プラン',
  currentPlan: '現在のプラン',
  free: '無料',
  perInterval: (price, interval) => `${price} / ${INTERVALS[interval]}`,
  perSeat: (price, interval) => `1 席あたり ${price} / ${INTERVALS[interval]}`,
  noPlans: '選択できるプランがありません。',
  previewing: '変更内容を計算しています…',
  preview: (plan) => `${plan} への変更`,
  noPreview: '変更後の料金はここでは計算できません。',
  dueNow: '今回のお支払い',
  nothingDue: '今回のお支払いはありません。',
  nextInvoice: (date) => `次回の請求（${date}、利用分を除く）`,
  confirm: (plan) => `${plan} に変更する`,
  changing: '変更しています…',
  changePending: (plan) => `${plan} への変更を処理しています。これまでの利用が確認され次第、完了します。`,
  changeUnderWay: '別の変更を処理しています。完了後にプランを変更できます。',
  changed: (plan) => `現在のプランは ${plan} です。`,
  paymentsPaused: 'お支払いが一時停止されています。再開後にプランを変更できます。',
  notSubscribed: 'まだご契約がありません。アカウントからお申し込みください。',
  subscribe: (plan) => `${plan} に申し込む`,

  seats: '席数',
  pendingSeats: (quantity) => `変更の完了後は ${quantity}`,

  invoices: '請求書',
  noInvoices: 'まだ請求書はありません。',
  openInvoice: '請求書を開く',
  invoiceStatus: {
    draft: '下書き',
    open: '未払い',
    paid: '支払い済み',
    void: '無効',
    uncollectible: '回収不能',
  },
};
