export { CostSoFar, type CostSoFarProps } from './cost-so-far.tsx';
export type { ComponentProps } from './frame.tsx';
export {
  type QueryResult,
  useCost,
  useInvoices,
  useLastChange,
  usePlans,
  useQuery,
  useRecord,
  useRefresh,
  useSeats,
  useUsage,
  useUsageWindows,
} from './hooks.ts';
export { InvoiceList, type InvoiceListProps } from './invoice-list.tsx';
export { PlanPicker, type PlanPickerProps } from './plan-picker.tsx';
export type { ShownBill, ShownBillLine, ShownChange, ShownPreview } from './plan-preview.tsx';
export { UsageProvider, type UsageProviderProps } from './provider.tsx';
export type { QueryOptions } from './queries.ts';
export { Seats, type SeatsProps } from './seats.tsx';
export { en } from './texts/en.ts';
export type { NextTierWords, Texts } from './texts/texts.ts';
export { scaleOf, type TierStep, tiersOf, type UsageScale } from './tiers.ts';
export type { UnitNames } from './units.ts';
export { type ChartWindow, UsageChart, type UsageChartProps } from './usage-chart.tsx';
export { UsageMeter, type UsageMeterProps } from './usage-meter.tsx';
