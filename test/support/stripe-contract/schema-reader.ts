import { ts } from 'ts-morph';
import type { Fields, ObjectSchema, Schema } from './contract.ts';

/** Types of generic declarations by the names of their parameters. */
type TypeArguments = ReadonlyMap<string, Schema>;

const FOLDER = /^.*\/esm\/(resources\/)?/;
const NO_ARGUMENTS: TypeArguments = new Map();

/** Reads type nodes as schemas, and the interfaces that they name as definitions, each of them once. */
export class SchemaReader {
  readonly #checker: ts.TypeChecker;
  readonly #definitions = new Map<string, ObjectSchema | null>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  definitions(): Record<string, ObjectSchema> {
    const complete = [...this.#definitions].flatMap(([name, schema]) =>
      schema ? [[name, schema] as const] : [],
    );
    return Object.fromEntries(complete);
  }

  read(node: ts.TypeNode, bindings: TypeArguments = NO_ARGUMENTS): Schema {
    if (ts.isUnionTypeNode(node)) return this.#union(node, bindings);
    if (ts.isArrayTypeNode(node)) return { kind: 'array', of: this.read(node.elementType, bindings) };
    if (ts.isParenthesizedTypeNode(node)) return this.read(node.type, bindings);
    if (ts.isTypeLiteralNode(node)) return this.#members(node.members, bindings);
    if (ts.isLiteralTypeNode(node)) return literal(node);
    if (ts.isTypeReferenceNode(node)) return this.#reference(node, bindings);
    return keyword(node);
  }

  #union(node: ts.UnionTypeNode, bindings: TypeArguments): Schema {
    const isOpenEnum = node.types.some(isOtherString);
    const words = node.types.filter((type) => !isOtherString(type));
    const schemas = words.map((type) => this.read(type, bindings));
    // An open enum without words of its own is only a text.
    if (isOpenEnum && !schemas.some(({ kind }) => kind === 'literal')) schemas.push({ kind: 'string' });
    return unionOf(schemas);
  }

  #reference(node: ts.TypeReferenceNode, bindings: TypeArguments): Schema {
    const name = node.typeName.getText();
    const given = (node.typeArguments ?? []).map((argument) => this.read(argument, bindings));
    const [first] = given;
    const bound = bindings.get(name);
    if (bound) return bound;
    if (name === 'OtherString') return { kind: 'string' };
    if (name === 'Decimal') return { kind: 'decimal' };
    if (first) {
      if (name === 'Array') return { kind: 'array', of: first };
      if (name === 'Partial') return { kind: 'partial', of: first };
      // On the wire a promise of a response is the object alone.
      if (name === 'Promise' || name === 'Response') return first;
      if (name === 'ApiListPromise') return this.#declared(node.typeName, 'ApiList', given);
      if (name === 'V2ListPromise') return this.#declared(node.typeName, 'V2List', given);
      if (name === 'ApiSearchResultPromise') return this.#declared(node.typeName, 'ApiSearchResult', given);
    }
    return this.#declared(node.typeName, name, given);
  }

  #declared(node: ts.Node, name: string, given: readonly Schema[]): Schema {
    const symbol = this.#symbolOf(node, name);
    const declarations = symbol?.declarations ?? [];
    const alias = declarations.find(ts.isTypeAliasDeclaration);
    if (alias) return this.read(alias.type, bind(alias.typeParameters, given));
    const interfaces = declarations.filter(ts.isInterfaceDeclaration);
    if (!symbol || interfaces.length === 0) return { kind: 'uncovered', name };
    const key = this.#keyOf(symbol, given);
    if (!this.#definitions.has(key)) {
      this.#definitions.set(key, null); // The interface may refer to itself.
      this.#definitions.set(key, this.#interfaces(interfaces, given));
    }
    return { kind: 'ref', name: key };
  }

  #interfaces(declarations: readonly ts.InterfaceDeclaration[], given: readonly Schema[]): ObjectSchema {
    let fields: Fields = {};
    for (const declaration of declarations) {
      for (const base of (declaration.heritageClauses ?? []).flatMap(({ types }) => [...types])) {
        fields = { ...fields, ...this.#inherited(base) };
      }
      const own = this.#members(declaration.members, bind(declaration.typeParameters, given));
      if (own.kind === 'map') return own;
      fields = { ...fields, ...own.fields };
    }
    return { kind: 'object', fields };
  }

  #inherited(base: ts.ExpressionWithTypeArguments): Fields {
    const declared = this.#declared(base.expression, base.expression.getText(), []);
    const schema = declared.kind === 'ref' ? this.#definitions.get(declared.name) : null;
    if (schema?.kind !== 'object') throw new Error(`The base ${base.getText()} is no object.`);
    return schema.fields;
  }

  #members(members: ts.NodeArray<ts.TypeElement>, bindings: TypeArguments): ObjectSchema {
    const index = members.find(ts.isIndexSignatureDeclaration);
    if (index) return { kind: 'map', of: this.read(index.type, bindings) };
    const properties = members.filter(ts.isPropertySignature).map((property) => {
      const schema: Schema = property.type ? this.read(property.type, bindings) : { kind: 'any' };
      const isOptional = property.questionToken !== undefined || schema.kind === 'absent';
      return [property.name.getText().replace(/^'|'$/g, ''), { required: !isOptional, schema }] as const;
    });
    return { kind: 'object', fields: Object.fromEntries(properties) };
  }

  #symbolOf(node: ts.Node, name: string): ts.Symbol | undefined {
    // Lists are written as promises of lists, which are declared beside each other.
    const found =
      node.getText() === name ? this.#checker.getSymbolAtLocation(node) : this.#beside(node, name);
    if (!found) return undefined;
    return found.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(found) : found;
  }

  #beside(node: ts.Node, name: string): ts.Symbol | undefined {
    const symbol = this.#symbolOf(node, node.getText());
    const source = symbol?.declarations?.[0]?.getSourceFile();
    const module = source && this.#checker.getSymbolAtLocation(source);
    return module && this.#checker.getExportsOfModule(module).find((candidate) => candidate.name === name);
  }

  #keyOf(symbol: ts.Symbol, given: readonly Schema[]): string {
    // Files of the API's two versions share their names, so the folder belongs to it.
    const file = (symbol.declarations?.[0]?.getSourceFile().fileName ?? '')
      .replace(FOLDER, '')
      .replace('.d.ts', '');
    const name = this.#checker.getFullyQualifiedName(symbol).replace(/^".*"\./, '');
    return `${file}:${name}${given.length === 0 ? '' : JSON.stringify(given)}`;
  }
}

function bind(
  parameters: ts.NodeArray<ts.TypeParameterDeclaration> | undefined,
  given: readonly Schema[],
): TypeArguments {
  const entries = (parameters ?? []).map((parameter, index): [string, Schema] => [
    parameter.name.text,
    given[index] ?? { kind: 'any' },
  ]);
  return new Map(entries);
}

function unionOf(schemas: readonly Schema[]): Schema {
  const flat = schemas.flatMap((schema) => (schema.kind === 'union' ? schema.of : [schema]));
  const [only, ...others] = flat;
  return only && others.length === 0 ? only : { kind: 'union', of: flat };
}

function isOtherString(node: ts.TypeNode): boolean {
  return ts.isTypeReferenceNode(node) && node.typeName.getText() === 'OtherString';
}

function literal({ literal: node }: ts.LiteralTypeNode): Schema {
  if (node.kind === ts.SyntaxKind.NullKeyword) return { kind: 'null' };
  if (node.kind === ts.SyntaxKind.TrueKeyword) return { kind: 'literal', value: true };
  if (node.kind === ts.SyntaxKind.FalseKeyword) return { kind: 'literal', value: false };
  if (ts.isStringLiteral(node)) return { kind: 'literal', value: node.text };
  if (ts.isNumericLiteral(node)) return { kind: 'literal', value: Number(node.text) };
  throw new Error(`The contract can't read the literal ${node.getText()}.`);
}

function keyword(node: ts.TypeNode): Schema {
  switch (node.kind) {
    case ts.SyntaxKind.StringKeyword:
      return { kind: 'string' };
    case ts.SyntaxKind.NumberKeyword:
      return { kind: 'number' };
    case ts.SyntaxKind.BooleanKeyword:
      return { kind: 'boolean' };
    case ts.SyntaxKind.VoidKeyword:
    case ts.SyntaxKind.UndefinedKeyword:
      return { kind: 'absent' };
    case ts.SyntaxKind.AnyKeyword:
    case ts.SyntaxKind.UnknownKeyword:
      return { kind: 'any' };
    default:
      throw new Error(`The contract can't read the type ${node.getText()}.`);
  }
}
