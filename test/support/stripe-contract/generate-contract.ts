import { ts } from 'ts-morph';
import type { ContractRoute, StripeContract } from './contract.ts';
import { SchemaReader } from './schema-reader.ts';
import { endpointsOf, RESOURCE_FILES, SHARED_FILES, sdkVersion } from './sdk-files.ts';

/** Derives the contract from the installed SDK; takes about a second. */
export function generateContract(): StripeContract {
  // Only these files are read, and no library: names are resolved, types are never checked.
  const program = ts.createProgram({
    rootNames: [...RESOURCE_FILES, ...SHARED_FILES],
    options: {
      noLib: true,
      noResolve: true,
      types: [],
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
    },
  });
  const reader = new SchemaReader(program.getTypeChecker());
  const routes = RESOURCE_FILES.flatMap((file) => routesOf(program, reader, file));
  const error = errorSchema(program, reader);
  return { version: sdkVersion(), routes, definitions: reader.definitions(), error };
}

function routesOf(program: ts.Program, reader: SchemaReader, file: string): ContractRoute[] {
  const endpoints = endpointsOf(file);
  return sourceOf(program, file)
    .statements.filter(ts.isClassDeclaration)
    .flatMap((resource) =>
      resource.members.filter(ts.isMethodDeclaration).flatMap((method) => {
        const name = `${resource.name?.text}.${method.name.getText()}`;
        const endpoint = endpoints.get(name);
        if (!endpoint || !method.type) return [];
        const params = method.parameters.find((parameter) => parameter.name.getText() === 'params')?.type;
        return [
          {
            name,
            ...endpoint,
            params: params ? reader.read(params) : null,
            answer: reader.read(method.type),
          },
        ];
      }),
    );
}

/** What the SDK adds to an error on its way to the caller. */
const ADDED_BY_THE_SDK = ['headers', 'statusCode', 'requestId', 'detail', 'exception'];
const ALWAYS_THERE = ['type', 'message'];

function errorSchema(program: ts.Program, reader: SchemaReader): StripeContract['error'] {
  const file = SHARED_FILES.find((name) => name.endsWith('Types.d.ts')) ?? '';
  const alias = sourceOf(program, file)
    .statements.filter(ts.isTypeAliasDeclaration)
    .find(({ name }) => name.text === 'StripeRawError');
  const schema = alias ? reader.read(alias.type) : null;
  if (schema?.kind !== 'object') throw new Error('The SDK no longer declares StripeRawError as an object.');
  const fields = Object.entries(schema.fields).filter(([name]) => !ADDED_BY_THE_SDK.includes(name));
  return {
    kind: 'object',
    fields: Object.fromEntries(
      fields.map(([name, field]) => [name, { ...field, required: ALWAYS_THERE.includes(name) }]),
    ),
  };
}

function sourceOf(program: ts.Program, file: string): ts.SourceFile {
  const source = program.getSourceFile(file);
  if (!source) throw new Error(`The SDK has no file ${file}.`);
  return source;
}
