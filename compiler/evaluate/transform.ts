/**
 * The transform before type erasure: every function is registered under a site id, with a thunk that gives its free
 * variables. It inserts text, so that the names in a thunk are resolved and rewritten like any other of the source.
 *
 *     (s) => ports.length                 __tv.f(7, (s) => ports.length, () => ({ports}))
 *     function f() {}                     __tv.d(8, f, () => ({})); at the start of its block, where f is hoisted to
 *     { put(x) {} }                       { put: __tv.f(9, function(x) {}, () => ({})) }
 *     { get n() {} }                      __tv.a(10, { get n() {} }, "get", "n", () => ({}))
 */
import { ts } from "../source/ts.ts";
import { applyEdits, type Edit, type EditedText } from "./edits.ts";
import { isAssignable, isReference, isTypeOnly, symbolOf, writtenBy } from "./references.ts";
import { functionName } from "./site-name.ts";

/** A function of the source, before any value of it exists. */
export interface StaticSite {
  readonly node: ts.FunctionLikeDeclaration;
  readonly sourceFile: ts.SourceFile;
  readonly name: string;
  /** Made inside another function, so that each call of that one makes a value of its own. */
  readonly nested: boolean;
  /** Free variables in order of first use, each with that use. */
  readonly captured: ReadonlyMap<string, ts.Identifier>;
  /** Those among them whose binding may change later, as a checker of the program at hand sees it. */
  assignable(checker: ts.TypeChecker): ReadonlySet<string>;
}

/** A file after the transform, still TypeScript. */
export interface TransformedFile {
  readonly sourceFile: ts.SourceFile;
  readonly edited: EditedText;
  /** Its functions in source order; the inserted text names them by their index. */
  readonly sites: readonly StaticSite[];
}

interface OpenFunction {
  readonly node: ts.FunctionLikeDeclaration;
  readonly free: Map<string, { readonly symbol: ts.Symbol; readonly use: ts.Identifier }>;
}

/** The name under which inserted text reaches the registry. */
export const registryName = "__tv";

// What a name refers to in its own file follows from that file alone, whatever program it is a part of.
const transformed = new WeakMap<ts.SourceFile, TransformedFile>();

/** Transforms one file, once. */
export function transformFile(sourceFile: ts.SourceFile, checker: ts.TypeChecker): TransformedFile {
  let known = transformed.get(sourceFile);
  if (known === undefined) transformed.set(sourceFile, (known = transform(sourceFile, checker)));
  return known;
}

function transform(sourceFile: ts.SourceFile, checker: ts.TypeChecker): TransformedFile {
  const sites: StaticSite[] = [];
  const edits: Edit[] = [];
  const open: OpenFunction[] = [];
  const writes = new Map<ts.Symbol, ts.Node[]>();
  const declared = new Map<ts.Node, OpenFunction>();

  const insert = (at: number, text: Edit["text"]): void => void edits.push({ start: at, end: at, text });
  const thunk = (fn: OpenFunction): string => `() => ({${[...fn.free.keys()].join(", ")}})`;

  function register(node: ts.FunctionLikeDeclaration): { readonly fn: OpenFunction; readonly index: number } {
    const fn: OpenFunction = { node, free: new Map() };
    const index = sites.length;
    sites.push({
      node,
      sourceFile,
      nested: isNested(node),
      get name() {
        return functionName(node);
      },
      get captured() {
        return new Map([...fn.free].map(([name, { use }]) => [name, use]));
      },
      assignable: (checker) =>
        new Set(
          [...fn.free]
            .filter(([, { symbol }]) => isAssignable(checker, symbol, writes))
            .map(([name]) => name),
        ),
    });
    return { fn, index };
  }

  function reference(id: ts.Identifier): void {
    if (open.length === 0) return;
    const symbol = symbolOf(checker, id);
    const declarations = symbol?.declarations;
    if (symbol === undefined || declarations === undefined) return;
    // A global of JavaScript's library is no capture.
    if (declarations.every((d) => d.getSourceFile().isDeclarationFile)) return;
    for (let i = open.length - 1; i >= 0; i--) {
      const fn = open[i]!;
      const inside = declarations.some((d) => isInside(d, fn.node));
      if (inside) return;
      if (!fn.free.has(id.text)) fn.free.set(id.text, { symbol, use: id });
    }
  }

  function enter(fn: OpenFunction, node: ts.Node): void {
    open.push(fn);
    ts.forEachChild(node, visit);
    open.pop();
  }

  function hoist(statements: readonly ts.Statement[]): void {
    const functions = statements.filter(
      (s): s is ts.FunctionDeclaration => ts.isFunctionDeclaration(s) && s.body !== undefined,
    );
    if (functions.length === 0) return;
    const first = statements.find((s) => !(ts.isExpressionStatement(s) && ts.isStringLiteral(s.expression)))!;
    for (const node of functions) {
      const { fn, index } = register(node);
      declared.set(node, fn);
      const name = node.name?.text ?? anonymousDefault;
      insert(first.getStart(sourceFile), () => `${registryName}.d(${index}, ${name}, ${thunk(fn)}); `);
    }
  }

  function visit(node: ts.Node): void {
    if (isTypeOnly(node)) return;
    for (const id of writtenBy(node)) {
      const symbol = symbolOf(checker, id);
      if (symbol !== undefined) writes.set(symbol, [...(writes.get(symbol) ?? []), id]);
    }
    if (ts.isIdentifier(node)) {
      if (isReference(node)) reference(node);
    } else if (
      ts.isSourceFile(node) ||
      ts.isBlock(node) ||
      ts.isModuleBlock(node) ||
      ts.isCaseOrDefaultClause(node)
    ) {
      hoist(node.statements);
      ts.forEachChild(node, visit);
    } else if (ts.isFunctionDeclaration(node)) {
      const fn = declared.get(node);
      if (fn === undefined) return;
      if (node.name === undefined) insert(nameOffset(node, sourceFile), ` ${anonymousDefault}`);
      enter(fn, node);
    } else if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) {
      const { fn, index } = register(node);
      insert(node.getStart(sourceFile), `${registryName}.f(${index}, `);
      enter(fn, node);
      insert(node.end, () => `, ${thunk(fn)})`);
    } else if (ts.isObjectLiteralExpression(node)) {
      visitObject(node);
    } else {
      ts.forEachChild(node, visit);
    }
  }

  function visitObject(object: ts.ObjectLiteralExpression): void {
    const closing: (() => string)[] = [];
    const accessors = new Map<ts.Node, OpenFunction>();
    for (const p of object.properties) {
      if (!ts.isAccessor(p) || !(ts.isIdentifier(p.name) || ts.isStringLiteral(p.name))) continue;
      const { fn, index } = register(p);
      accessors.set(p, fn);
      const kind = ts.isGetAccessor(p) ? "get" : "set";
      const key = JSON.stringify(p.name.text);
      insert(object.getStart(sourceFile), `${registryName}.a(${index}, `);
      closing.unshift(() => `, "${kind}", ${key}, ${thunk(fn)})`);
    }
    for (const p of object.properties) {
      if (ts.isMethodDeclaration(p)) visitMethod(p);
      else if (accessors.has(p)) enter(accessors.get(p)!, p);
      else visit(p);
    }
    for (const text of closing) insert(object.end, text);
  }

  function visitMethod(node: ts.MethodDeclaration): void {
    const { fn, index } = register(node);
    const isAsync = node.modifiers?.some((m) => m.kind === ts.SyntaxKind.AsyncKeyword) ?? false;
    edits.push({ start: node.getStart(sourceFile), end: node.name.getStart(sourceFile), text: "" });
    // A computed name is evaluated outside of the method.
    visit(node.name);
    insert(
      node.name.end,
      `: ${registryName}.f(${index}, ${isAsync ? "async " : ""}function${node.asteriskToken ? "*" : ""}`,
    );
    open.push(fn);
    for (const p of node.parameters) visit(p);
    if (node.body) visit(node.body);
    open.pop();
    insert(node.end, () => `, ${thunk(fn)})`);
  }

  visit(sourceFile);
  return { sourceFile, edited: applyEdits(sourceFile.text, edits), sites };
}

const anonymousDefault = "__tvDefault";

/** A function declaration's own name is declared around it; a function expression's inside it. */
function isInside(declaration: ts.Node, fn: ts.Node): boolean {
  if (declaration === fn) return !ts.isFunctionDeclaration(fn);
  return (
    declaration.getSourceFile() === fn.getSourceFile() &&
    declaration.pos >= fn.pos &&
    declaration.end <= fn.end
  );
}

function isNested(node: ts.Node): boolean {
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) if (ts.isFunctionLike(at)) return true;
  return false;
}

/** Where a name belongs in `export default function (`: behind `function`, and behind `*` of a generator. */
function nameOffset(node: ts.FunctionDeclaration, sourceFile: ts.SourceFile): number {
  if (node.asteriskToken) return node.asteriskToken.end;
  const keyword = node.getChildren(sourceFile).find((c) => c.kind === ts.SyntaxKind.FunctionKeyword);
  return keyword!.end;
}
