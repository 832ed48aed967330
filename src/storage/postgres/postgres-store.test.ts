import { describe, onTestFinished, test } from 'vitest';
import { createDatabase } from '../../../test/support/postgres/databases.ts';
import { systemEnvironment, uuidVersion7 } from '../../system-environment.ts';
import { testStore } from '../../testing/store-suite.ts';
import { createPostgresStore } from './postgres-store.ts';

const uuid = () => uuidVersion7(Date.now());

describe('PostgreSQL', () => {
  testStore({
    test,
    uuid,
    open: async () => {
      const database = await createDatabase();
      onTestFinished(() => database.drop());
      return createPostgresStore({
        server: { url: database.url },
        environment: { ...systemEnvironment(), uuid },
      });
    },
  });
});
