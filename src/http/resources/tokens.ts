import { defineRoute, type Route } from '../route.ts';
import { newToken, tokenResult, tokenRevocation } from '../wire/tokens.ts';

export const TOKENS: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/tokens',
    operation_id: 'createToken',
    summary: 'Create a token for a browser',
    description:
      'It reads the usage of one account, what bills it and its invoices, for at most 15 minutes, and changes nothing.',
    access: { scope: 'admin', browser_token: false, account: 'one' },
    body: { schema: newToken },
    answer: tokenResult,
    errors: ['invalid_account', 'account_not_found', 'invalid_configuration'],
    handle: ({ body }, { service }) => service.tokens.create(body),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/tokens/revoke',
    operation_id: 'revokeTokens',
    summary: 'Revoke tokens of an account',
    description:
      'One, by its `token_id`, or all that were created until now. It takes effect within a second.',
    access: { scope: 'admin', browser_token: false, account: 'one' },
    body: { schema: tokenRevocation },
    errors: ['invalid_account', 'account_not_found'],
    handle: async ({ body, caller }, { service }) => {
      await service.tokens.revoke({ ...body, actor: caller.id });
      return undefined;
    },
  }),
];
