import { usage } from '../../../../tallybook.config';

export const GET = usage.handler;
export const POST = usage.handler;
export const PUT = usage.handler;
export const OPTIONS = usage.handler;
