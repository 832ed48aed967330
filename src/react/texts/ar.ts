import type { Interval, Texts } from './texts.ts';

const INTERVALS: Readonly<Record<Interval, string>> = {
  day: 'يوم',
  week: 'أسبوع',
  month: 'شهر',
  year: 'سنة',
};

/** Arabic. */
export const ar: Texts = {
  loading: 'جارٍ التحميل…',
  failed: 'لا يمكن عرض هذا الآن.',
  retry: 'إعادة المحاولة',
  expired: 'انتهت صلاحية هذه الصفحة حفاظًا على أمانك. افتحها من جديد من حسابك.',
  nothingYet: 'لم يُحتسب شيء بعد. سيظهر هنا فور حدوثه.',
  stale: (time) => `حتى الساعة ${time}. جارٍ إعادة الاتصال…`,

  ofLimit: (limit, units) => `من ${limit} ${units}`,
  left: (quantity, units) => `المتبقي: ${quantity} ${units}`,
  over: (quantity, units) => `الزيادة: ${quantity} ${units}`,
  limitReached: 'تم بلوغ الحد',
  untilNextPrice: (quantity, units) => `${quantity} ${units} حتى السعر التالي`,
  included: (quantity, units) => `يشمل ${quantity} ${units}`,

  costSoFar: 'التكلفة حتى الآن',
  notBilled: 'لا تُحتسب أي رسوم على ذلك في خطتك.',
  beforeTaxes: 'الاستخدام فقط، قبل الضرائب والخصومات',
  flatFee: 'رسم ثابت',
  tiers: 'شرائح الأسعار',
  tierQuantity: 'الكمية',
  tierPrice: 'السعر',
  currentTier: 'الشريحة الحالية',
  perUnit: (price, unit) => `${price} لكل ${unit}`,
  perPackage: (price, size, units) => `${price} لكل ${size} ${units}`,
  plusFee: (fee) => `إضافةً إلى ${fee}`,
  upTo: (first, last) => `${first} – ${last}`,
  from: (first) => `ابتداءً من ${first}`,
  nextVolume: ({ from, units, unit, price, fee }) =>
    `ابتداءً من ${from} ${units} يصبح سعر كل ${unit} ‏${price}${fee === null ? '' : `، إضافةً إلى ${fee} مرة واحدة`}.`,
  nextGraduated: ({ from, units, unit, price, fee }) =>
    `ابتداءً من ${from} ${units} يصبح سعر كل ${unit} إضافي ‏${price}${fee === null ? '' : `، إضافةً إلى ${fee} مرة واحدة`}.`,

  usage: 'الاستخدام',
  byHour: 'ساعات',
  byDay: 'أيام',
  granularity: 'العرض حسب',
  chartHelp: 'استخدم مفاتيح الأسهم لقراءة الأعمدة واحدًا تلو الآخر.',
  showTable: 'عرض كجدول',
  hideTable: 'إخفاء الجدول',
  noUsage: 'لا يوجد استخدام حتى الآن.',
  when: 'الوقت',
  total: 'المجموع',

  plans: 'الخطط',
  currentPlan: 'خطتك الحالية',
  free: 'مجانية',
  perInterval: (price, interval) => `${price} لكل ${INTERVALS[interval]}`,
  perSeat: (price, interval) => `${price} لكل مقعد و${INTERVALS[interval]}`,
  noPlans: 'لا توجد خطط للاختيار منها.',
  previewing: 'جارٍ حساب ما سيتغير…',
  preview: (plan) => `التغيير إلى ${plan}`,
  noPreview: 'لا يمكن حساب تكلفة هذا التغيير هنا.',
  dueNow: 'المستحق الآن',
  nothingDue: 'لا شيء مستحق الآن.',
  nextInvoice: (date) => `الفاتورة التالية في ${date}، قبل احتساب الاستخدام`,
  confirm: (plan) => `التغيير إلى ${plan}`,
  changing: 'جارٍ التغيير…',
  changePending: (plan) => `التغيير إلى ${plan} قيد التنفيذ: يكتمل فور تأكيد الاستخدام حتى الآن.`,
  changeUnderWay: 'هناك تغيير آخر قيد التنفيذ. يمكنك تغيير الخطة فور اكتماله.',
  changed: (plan) => `خطتك الآن هي ${plan}.`,
  paymentsPaused: 'المدفوعات متوقفة مؤقتًا. يمكنك تغيير الخطة فور استئنافها.',
  notSubscribed: 'ليس لديك اشتراك بعد. اشترك من حسابك.',
  subscribe: (plan) => `الاشتراك في ${plan}`,

  seats: 'المقاعد',
  pendingSeats: (quantity) => `${quantity} فور اكتمال التغيير`,

  invoices: 'الفواتير',
  noInvoices: 'لا توجد فواتير بعد.',
  openInvoice: 'فتح الفاتورة',
  invoiceStatus: {
    draft: 'مسودة',
    open: 'مفتوحة',
    paid: 'مدفوعة',
    void: 'ملغاة',
    uncollectible: 'غير قابلة للتحصيل',
  },
};
