import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react';
import type { UsageClient } from '../client/client.ts';
import type { ClientOptions } from '../client/client-options.ts';
import { createClient } from '../client/create-client.ts';
import { type Direction, directionOf } from './direction.ts';
import { createFormats, type Formats } from './formats.ts';
import { Queries } from './queries.ts';
import { en } from './texts/en.ts';
import type { Texts } from './texts/texts.ts';
import { createUnits, type UnitNames, type Units } from './units.ts';

interface SharedProps {
  readonly children?: ReactNode;
  /** BCP 47 tag, for numbers, money, dates and the direction of writing. Default: `'en'`, on every machine. */
  readonly locale?: string;
  /** IANA name, for dates and for the days of the chart. Default: `'UTC'`, on every machine. */
  readonly timeZone?: string;
  /** Which prices of plans are shown where there are several: `'usd'`. Default: the first of each plan. */
  readonly currency?: string;
  /** How often is read what is shown, in milliseconds, at least 250. Default: 5,000. */
  readonly pollMs?: number;
  /** What the components say. Default: English. `tallybook/react/texts` has `de`, `ja` and `ar`. */
  readonly texts?: Texts;
  /** What units of a meter are called: `{ credits: { title: 'Credits', one: 'credit', other: 'credits' } }`. */
  readonly units?: Readonly<Record<string, UnitNames>>;
}

interface WithClient {
  readonly client: UsageClient;
}

interface WithAddress extends Pick<ClientOptions, 'token' | 'getToken'> {
  /** Where `usage.handler` is mounted. */
  readonly baseUrl: string;
  /**
   * Whose tokens `getToken` brings, where somebody can switch accounts on an open page: when it changes, nothing of the
   * account before is shown or sent any more.
   */
  readonly account?: string | undefined;
  readonly client?: never;
}

export type UsageProviderProps = SharedProps & (WithClient | WithAddress);

export interface UsageContextValue {
  readonly client: UsageClient;
  readonly queries: Queries;
  readonly formats: Formats;
  readonly units: Units;
  readonly texts: Texts;
  readonly locale: string;
  readonly dir: Direction;
  readonly timeZone: string;
  readonly currency: string | undefined;
}

const UsageContext = createContext<UsageContextValue | undefined>(undefined);
const POLL_MS = 5_000;
const MIN_POLL_MS = 250;

/** What the hooks and components below it read from, and how they write it. */
export function UsageProvider(props: UsageProviderProps): ReactNode {
  const { children, locale = 'en', timeZone = 'UTC', currency, pollMs = POLL_MS, texts = en, units } = props;
  const client = useClient(props);
  const value = useMemo(() => {
    const formats = createFormats(locale, timeZone);
    return {
      client,
      queries: queriesOf(client, Math.max(MIN_POLL_MS, pollMs)),
      formats,
      units: createUnits(units ?? {}, formats),
      texts,
      locale,
      dir: directionOf(locale),
      timeZone,
      currency,
    };
  }, [client, pollMs, locale, timeZone, currency, texts, units]);
  return <UsageContext.Provider value={value}>{children}</UsageContext.Provider>;
}

/** @throws Error when there is no provider above. */
export function useUsageContext(): UsageContextValue {
  const value = useContext(UsageContext);
  if (!value) throw new Error('There is no <UsageProvider> above this component: put one around your app.');
  return value;
}

/**
 * The client that was passed, or one for the address. A new token or account is a new client; `getToken` may be a new function
 * every time.
 */
function useClient(props: UsageProviderProps): UsageClient {
  const given = props.client;
  const { baseUrl = '', token, getToken, account } = given ? ({} as Partial<WithAddress>) : props;
  const hasGetToken = getToken !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another account is another client, and newer functions are taken below.
  const { client, latest } = useMemo(() => {
    const latest = { getToken };
    if (given) return { client: given, latest };
    const client = createClient({
      base_url: baseUrl,
      ...(token === undefined ? {} : { token }),
      ...(hasGetToken ? { getToken: () => latest.getToken?.() ?? '' } : {}),
      // What is shown is read again anyway; what is recorded is not.
      max_read_attempts: 1,
    });
    return { client, latest };
  }, [given, baseUrl, token, hasGetToken, account]);
  useEffect(() => {
    latest.getToken = getToken;
  });
  useEffect(() => {
    // One that was given is the app's to close. A closed one records all the same, and listens again.
    if (!given) return () => void client.close();
  }, [client, given]);
  return client;
}

/** What was read with one client stays when only the language changes. On a server nothing stays: the next page is somebody else's. */
const QUERIES = new WeakMap<UsageClient, Map<number, Queries>>();

function queriesOf(client: UsageClient, poll_ms: number): Queries {
  if (typeof document === 'undefined') return new Queries(poll_ms);
  const byPoll = QUERIES.get(client) ?? new Map<number, Queries>();
  QUERIES.set(client, byPoll);
  const known = byPoll.get(poll_ms) ?? new Queries(poll_ms);
  byPoll.set(poll_ms, known);
  return known;
}
