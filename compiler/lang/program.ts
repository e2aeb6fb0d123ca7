/**
 * A whole program: which specialisations, storage, tables and texts its entry points reach. A specialisation is a
 * function's site, what it captured, and the shapes of its arguments; equal ones are one function.
 */
import { ts } from "ts-morph";
import type { Program } from "../../dsl/core/program.ts";
import { EffectsAnalysis, overlap } from "../ir/effects.ts";
import type { AsmSite, IrFunction, IrModule, Param, Value } from "../ir/ir.ts";
import { bindPattern } from "./bind.ts";
import { debugTypeOf } from "./debug-type.ts";
import { declaredType, plainRange } from "./declared.ts";
import { Exports } from "./exports.ts";
import type { Front, FunctionSite } from "./front.ts";
import { FunctionLowering } from "./function.ts";
import { Identities } from "./identities.ts";
import { assumeIntervals } from "./interval-check.ts";
import { describe, type Operand } from "./operand.ts";
import { placeShape } from "./place.ts";
import { Refused } from "./refusal.ts";
import { irTypes, joinShapes, shapeKey, shapeOf, type Shape } from "./shape.ts";
import { SourceFacts } from "./source-facts.ts";
import { StaticData } from "./static-data.ts";

/** A compiled function, or one that is being compiled. */
interface Specialisation {
  readonly symbol: string;
  /** Undefined until its body is done. */
  result: Shape | undefined;
  /** Its body was refused, which has been said. */
  refused: boolean;
  neverReturns: boolean;
  /** Kept as a function of its own. */
  measured: boolean;
}

export class ProgramLowering {
  readonly module: IrModule;
  readonly #specialisations = new Map<string, Specialisation>();
  readonly #symbols = new Map<string, number>();
  readonly #asm = new Map<object, string>();
  readonly #functions = new Map<string, IrFunction>();
  readonly #effects: EffectsAnalysis;
  readonly facts: SourceFacts;
  readonly identities: Identities;
  readonly data: StaticData;
  readonly exports: Exports;

  constructor(
    readonly front: Front,
    name: string,
    readonly debug: boolean,
    /** Traps where an integer leaves its interval: for tests of the compiler. */
    readonly checkIntervals = false,
  ) {
    this.module = {
      name,
      functions: [],
      globals: [],
      asmSites: [],
      naked: [],
      traps: [],
      trapHandler: undefined,
    };
    this.#effects = new EffectsAnalysis({
      observes: (symbol) => [...this.#observers].some((fn) => this.#symbolsOf(fn).includes(symbol)),
      function: (symbol) => this.#functions.get(symbol),
      global: (symbol) => this.module.globals.find((global) => global.symbol === symbol),
    });
    this.facts = new SourceFacts(front);
    this.identities = new Identities(front);
    this.data = new StaticData(front, this.module, (symbol) => this.unique(symbol));
    this.exports = new Exports(this);
  }

  /** Lowers a program. Refusals go to the front end; the module is complete only where there were none. */
  lower(program: Program): IrModule {
    for (const { symbol } of program.entries) this.#symbols.set(symbol, 1);
    if (program.trap !== undefined) this.module.trapHandler = "typevisor_trap";
    this.#exitHandler = program.exitHandler && this.identities.of(program.exitHandler);
    for (const entry of program.entries) this.exports.entry(entry);
    if (program.trap !== undefined) this.exports.trapEntry(program.trap);
    this.data.storageContents();
    if (program.hot !== undefined) this.module.hot = program.hot.flatMap((fn) => this.#symbolsOf(fn));
    if (program.exitHandler !== undefined) this.module.exitHandler = this.#symbolsOf(program.exitHandler)[0]!;
    return this.module;
  }

  /** Identity of the function that must stay one, to be measured. */
  #exitHandler: string | undefined;
  readonly #compiled = new Map<string, string[]>();
  readonly #observers = new Set<object>();

  /** Notes a function that hears of stores. */
  observes(fn: object): void {
    this.#observers.add(fn);
  }

  /** The specialisations of a function, in the order of their first calls. */
  #symbolsOf(fn: object): readonly string[] {
    return this.#compiled.get(this.identities.of(fn)) ?? [];
  }

  /** A symbol that nothing else has. */
  unique(name: string): string {
    // What begins with a digit is a number to the assembler.
    const base = name.replace(/[^A-Za-z0-9_.$]/g, "_").replace(/^\d/, "_$&");
    const n = this.#symbols.get(base) ?? 0;
    this.#symbols.set(base, n + 1);
    return n === 0 ? base : `${base}.${n}`;
  }

  // ---- Functions --------------------------------------------------------------------------------------------------

  /** The shape of each argument as the callee takes it. */
  #parameterShapes(
    caller: FunctionLowering | undefined,
    site: FunctionSite,
    args: readonly Operand[],
    at: ts.Node,
  ): Shape[] {
    return site.node.parameters.map((parameter, i) => {
      const operand = args[i];
      if (operand === undefined) {
        if (caller !== undefined) caller.refuse("missing-argument", at, { name: parameter.name.getText() });
        throw new Error(`${site.name}: argument ${i} is missing`);
      }
      const own = shapeOf(operand);
      if (own.kind === "struct" && own.descriptor === undefined) return { kind: "known", value: null };
      return placeShape(
        this.front.checker,
        this.front.checker.getTypeAtLocation(parameter),
        own,
        parameter,
        "widest",
      );
    });
  }

  /** Calls a function of the program; compiles it for these arguments if that has not been done. */
  call(
    caller: FunctionLowering,
    fn: object,
    site: FunctionSite,
    args: readonly Operand[],
    at: ts.Node,
    argNodes: readonly ts.Node[],
  ): Operand {
    const node = site.node;
    for (const parameter of node.parameters) {
      if (parameter.questionToken !== undefined || parameter.initializer !== undefined)
        caller.refuse("optional-parameter", parameter);
      if (parameter.dotDotDotToken !== undefined) caller.refuse("spread", parameter);
    }
    const shapes = this.#parameterShapes(caller, site, args, at);
    const specialisation = this.#specialise(fn, site, shapes, caller.strict, [at, ...caller.trail], (code) =>
      caller.refuse(code, at, { name: site.name }),
    );
    const values = shapes.flatMap((shape, i) =>
      caller.flatten(args[i]!, shape, argNodes[i] ?? at, () =>
        typeNameOf(this.front.checker, node.parameters[i]!),
      ),
    );
    const result = specialisation.result;
    if (result === undefined) return caller.refuse("recursion", at, { name: site.name });
    // Nothing is known of what a refused function gives, so nothing can be said of what is done with it.
    if (specialisation.refused && declaredResult(this.front.checker, node).kind === "other")
      throw new Refused(site.name);
    const types = irTypes(result);
    const irResult =
      types.length === 0
        ? ({ kind: "void" } as const)
        : types.length === 1
          ? types[0]!
          : ({ kind: "record", fields: types } as const);
    const value = caller.b.call(specialisation.symbol, irResult, values);
    if (specialisation.neverReturns) {
      caller.b.unreachable();
      caller.leave();
      return { kind: "void" };
    }
    const parts = types.length <= 1 ? [value] : types.map((_, i) => caller.b.extract(value, i));
    const operand = caller.unflatten(result, types.length === 0 ? [] : parts);
    assumeIntervals(caller, operand);
    return operand;
  }

  /**
   * Whether a function, as it has been called so far, may write what another reads of the state that it is called with,
   * or whether the other reads anything else.
   */
  disturbs(
    caller: FunctionLowering,
    change: object,
    observer: { readonly fn: object; readonly site: FunctionSite },
    state: Operand,
    at: ts.Node,
  ): boolean {
    const { fn, site } = observer;
    const shapes = this.#parameterShapes(caller, site, [state], at);
    const { symbol } = this.#specialise(fn, site, shapes, caller.strict, [at, ...caller.trail], (code) =>
      caller.refuse(code, at, { name: site.name }),
    );
    const seen = this.#effects.of(symbol, 1);
    const symbols = this.#symbolsOf(change);
    if (seen.readsElsewhere || symbols.length === 0) return true;
    return symbols.some((made) =>
      overlap(this.#effects.of(made, 1).params[0]?.writes ?? [], seen.params[0]?.reads ?? []),
    );
  }

  #specialise(
    fn: object,
    site: FunctionSite,
    shapes: readonly Shape[],
    callerStrict: boolean,
    trail: readonly ts.Node[],
    refuse: (code: string) => never,
  ): Specialisation {
    const stratum = this.front.stratumOf(site.node.getSourceFile().fileName);
    const strict = stratum === "model" || (stratum === "dsl" && callerStrict);
    const key = `${this.identities.of(fn)}${strict ? "!" : ""}(${shapes.map((s) => shapeKey(s, this.identities.of)).join(";")})`;
    const done = this.#specialisations.get(key);
    if (done !== undefined)
      return done.result === undefined && !done.neverReturns ? refuse("recursion") : done;
    const specialisation: Specialisation = {
      symbol: this.unique(site.name),
      result: undefined,
      refused: false,
      neverReturns: false,
      measured: false,
    };
    this.#specialisations.set(key, specialisation);
    const name = this.identities.of(fn);
    specialisation.measured = name === this.#exitHandler;
    this.#compiled.set(name, [...(this.#compiled.get(name) ?? []), specialisation.symbol]);
    this.#compile(specialisation, site, shapes, strict, stratum, trail);
    return specialisation;
  }

  #compile(
    specialisation: Specialisation,
    site: FunctionSite,
    shapes: readonly Shape[],
    strict: boolean,
    stratum: ReturnType<Front["stratumOf"]>,
    trail: readonly ts.Node[],
  ): void {
    const node = site.node;
    const refusedCapture = this.identities.refusedCaptures.get(site);
    if (refusedCapture !== undefined) throw refusedCapture;
    const f = new FunctionLowering(this, site, strict, stratum, trail, this.facts.assignedIn(node));
    f.at(node);
    const params: Param[] = [];
    const checker = this.front.checker;
    const declared = declaredResult(checker, node);
    try {
      if (node.asteriskToken !== undefined) f.refuse("generator", node);
      if (node.modifiers?.some((m) => m.kind === ts.SyntaxKind.AsyncKeyword) === true)
        f.refuse("async", node);
      if (node.body === undefined) f.refuse("unsupported", node, { what: "a function without a body" });
      const signature = checker.getSignatureFromDeclaration(node);
      if (
        signature !== undefined &&
        (checker.getReturnTypeOfSignature(signature).flags & ts.TypeFlags.Any) !== 0
      )
        f.refuse("any", node.type ?? node.name ?? node);
      // A model reaches its own state and nothing else, by one reference and what is derived from it; what it tells the
      // board comes back only after it has returned.
      const alone = strict && shapes.flatMap(irTypes).filter((type) => type.kind === "ptr").length === 1;
      node.parameters.forEach((parameter, i) => {
        if (this.facts.isAny(parameter)) f.refuse("any", parameter);
        const shape = shapes[i]!;
        const values = irTypes(shape).map((type): Value => {
          const index = params.length;
          const debugType = debugTypeOf(shape);
          const size =
            shape.kind === "struct" && !shape.nullable
              ? shape.descriptor?.size
              : shape.kind === "array"
                ? shape.descriptor.size
                : undefined;
          params.push({
            name: ts.isIdentifier(parameter.name) ? parameter.name.text : `p${i}`,
            type,
            debugType,
            ...(size !== undefined && size > 0 && { dereferenceableBytes: size }),
            ...(alone && type.kind === "ptr" && { noalias: true }),
          });
          return { kind: "param", type, index };
        });
        const operand = f.unflatten(shape, [...values]);
        assumeIntervals(f, operand);
        if (ts.isIdentifier(parameter.name))
          f.declare(parameter.name, operand, this.#isAssigned(f, parameter.name));
        else bindPattern(f, parameter.name, operand);
      });
      if (ts.isBlock(node.body!)) {
        for (const statement of node.body.statements) f.statement(statement);
        if (f.env !== undefined) f.returns.push({ block: f.b.current, operand: { kind: "void" }, node });
      } else {
        const operand = f.expression(node.body as ts.Expression);
        if (f.env !== undefined)
          f.returns.push({
            block: f.b.current,
            operand: declared.kind === "void" ? { kind: "void" } : operand,
            node: node.body!,
          });
      }
      if (f.refused) throw new Refused("a statement");
      specialisation.result = this.#finish(f, declared, specialisation);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      specialisation.refused = true;
      specialisation.result = fallbackResult(declared);
      return;
    }
    const result = irTypes(specialisation.result);
    const fn: IrFunction = {
      symbol: specialisation.symbol,
      displayName: site.name,
      loc: this.facts.locOf(node),
      params,
      result:
        result.length === 0
          ? { kind: "void" }
          : result.length === 1
            ? result[0]!
            : { kind: "record", fields: result },
      blocks: f.b.finish(),
      exported: false,
      inline: specialisation.measured ? "never" : "auto",
      cold: specialisation.neverReturns,
    };
    this.module.functions.push(fn);
    this.#functions.set(fn.symbol, fn);
  }

  /** Closes the return paths, in one shape. */
  #finish(
    f: FunctionLowering,
    declared: ReturnType<typeof declaredResult>,
    specialisation: Specialisation,
  ): Shape {
    if (f.returns.length === 0) {
      specialisation.neverReturns = true;
      return { kind: "void" };
    }
    let shape: Shape | undefined;
    for (const { operand, node } of f.returns) {
      const own =
        declared.kind === "void"
          ? ({ kind: "void" } as const)
          : resultShape(this.front.checker, f.site.node, operand);
      const joined = shape === undefined ? own : joinShapes(shape, own);
      if (joined === undefined)
        f.refuse("mixed-shapes", node, {
          what: `${describe(f.returns[0]!.operand)} and ${describe(operand)}`,
        });
      shape = joined;
    }
    for (const { block, operand, node } of f.returns) {
      f.b.reopen(block);
      f.at(node);
      const values = f.flatten(operand, shape!, node, declared.kind === "int" ? declared.name : "the result");
      f.b.return(values.length === 0 ? undefined : values.length === 1 ? values[0]! : f.b.record(values));
    }
    return shape!;
  }

  #isAssigned(f: FunctionLowering, name: ts.Identifier): boolean {
    const symbol = this.front.checker.getSymbolAtLocation(name);
    return symbol !== undefined && f.assigned.has(symbol);
  }

  /** Compiles a function for arguments of given shapes, as a call would: for tests and for checking a library. */
  compileFor(fn: object, shapes: readonly Shape[]): void {
    const site = this.front.site(fn);
    if (site === undefined) throw new Error("no function of the sources");
    this.#specialise(fn, site, shapes, false, [], () => {
      throw new Refused("recursion");
    });
  }

  /** The site of an assembly definition. */
  asmSite(fn: object, site: Omit<AsmSite, "site">): string {
    let name = this.#asm.get(fn);
    if (name === undefined) {
      this.#asm.set(fn, (name = `asm.${this.#asm.size}`));
      this.module.asmSites.push({ ...site, site: name });
    }
    return name;
  }
}

function typeNameOf(checker: ts.TypeChecker, parameter: ts.ParameterDeclaration): string {
  const declared = declaredType(checker, checker.getTypeAtLocation(parameter));
  return declared.kind === "int" ? declared.name : checker.typeToString(checker.getTypeAtLocation(parameter));
}

function declaredResult(
  checker: ts.TypeChecker,
  node: ts.FunctionLikeDeclaration,
): ReturnType<typeof declaredType> {
  const signature = checker.getSignatureFromDeclaration(node);
  return signature === undefined
    ? { kind: "other" }
    : declaredType(checker, checker.getReturnTypeOfSignature(signature));
}

/** The shape in which a function returns an operand. */
function resultShape(checker: ts.TypeChecker, node: ts.FunctionLikeDeclaration, operand: Operand): Shape {
  const signature = checker.getSignatureFromDeclaration(node);
  const own = shapeOf(operand);
  return signature === undefined
    ? own
    : placeShape(checker, checker.getReturnTypeOfSignature(signature), own, node, "own");
}

/** What callers of a refused function go on with, so that they report their own errors. */
function fallbackResult(declared: ReturnType<typeof declaredType>): Shape {
  switch (declared.kind) {
    case "int":
      return { kind: "int", big: declared.big, range: declared.range, bits: declared.big ? 64 : 32 };
    case "plain":
      return {
        kind: "int",
        big: declared.big,
        range: plainRange(declared.big),
        bits: declared.big ? 128 : 64,
      };
    case "bool":
      return { kind: "bool" };
    default:
      return { kind: "void" };
  }
}
