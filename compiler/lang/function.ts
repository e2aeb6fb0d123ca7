/**
 * Lowering of one specialisation: a single walk that types an expression, infers its interval and emits it. What a
 * construct does is in its own file under `expressions/` and `statements/`; this class holds what they share: the
 * variables, the intervals known at this point of the walk, and conversions between operands and shapes.
 *
 * A loop's body is walked several times: first without output, until the intervals at its head no longer grow, then
 * once for real.
 */
import { ts } from "ts-morph";
import { constant, FunctionBuilder } from "../ir/builder.ts";
import { i16, i1, i32, i64, i8, ptr, type Block, type IrType, type Loc, type Value } from "../ir/ir.ts";
import { joinEnvs } from "./env.ts";
import type { Declared } from "./declared.ts";
import type { Front, FunctionSite, Stratum } from "./front.ts";
import { checkInterval } from "./interval-check.ts";
import { contains, meet, show, type Interval } from "./interval.ts";
import { carriedAt, literal, settle } from "./numeric.ts";
import { describe, known, nothing, type Int, type Operand, type StructOperand } from "./operand.ts";
import { placeShape } from "./place.ts";
import type { ProgramLowering } from "./program.ts";
import { Refused } from "./refusal.ts";
import { bitsFor, irInt, irTypes, joinShapes, shapeOf, type Shape } from "./shape.ts";
import { lowerExpression } from "./expressions/index.ts";
import { lowerStatement } from "./statements/index.ts";
import { debugTypeOf } from "./debug-type.ts";

/** A local of the function. */
export interface Variable {
  readonly name: string;
  /** Its operand where it never changes; otherwise the slots that its shape flattens to. */
  content:
    | { kind: "fixed"; operand: Operand }
    | { kind: "slots"; slots: readonly Value[]; shape: Shape }
    | { kind: "poisoned" };
  readonly declared: Declared;
}

/**
 * The intervals known at a point; undefined where the point is not reached. A reference's is its nullness: 0 for null,
 * 1 for anything else.
 */
export type Known = ReadonlyMap<Variable, Interval>;
export type Env = Known | undefined;

/** Where `break` and `continue` of an enclosing statement go, and what was known at each. */
export interface Target {
  readonly label: string | undefined;
  readonly breakTo: Block;
  readonly breakEnvs: Env[];
  readonly continueTo: Block | undefined;
  readonly continueEnvs: Env[];
}

export class FunctionLowering {
  b = new FunctionBuilder();
  env: Env = new Map();
  readonly variables = new Map<ts.Symbol, Variable>();
  readonly targets: Target[] = [];
  /** Above 0 while a loop's intervals are being found: nothing is recorded. */
  dry = 0;
  /** Constants that conditions compared with: where widening may stop. */
  readonly thresholds = new Set<bigint>();
  /** Whether a statement was refused, so that what was emitted is not whole. */
  refused = false;
  readonly returns: { block: Block; operand: Operand; node: ts.Node }[] = [];
  readonly #captures: ReadonlyMap<string, unknown>;

  constructor(
    readonly program: ProgramLowering,
    readonly site: FunctionSite,
    /** Where proofs are required and memory is out of reach. */
    readonly strict: boolean,
    readonly stratum: Stratum,
    readonly trail: readonly ts.Node[],
    readonly assigned: ReadonlySet<ts.Symbol>,
  ) {
    this.#captures = site.captures();
  }

  get front(): Front {
    return this.program.front;
  }
  get checker(): ts.TypeChecker {
    return this.front.checker;
  }

  // ---- Refusals ---------------------------------------------------------------------------------------------------

  /** Records a refusal and abandons the statement. */
  refuse(code: string, node: ts.Node, args: Readonly<Record<string, string>> = {}): never {
    if (this.dry === 0) this.front.refuse(code, node, args, this.trail);
    throw new Refused(code);
  }

  at(node: ts.Node): void {
    if (this.dry === 0) this.b.loc = this.locOf(node);
  }

  locOf(node: ts.Node): Loc {
    return this.program.facts.locOf(node);
  }

  /** Ends the block: the program itself is wrong. A rehearsal leaves no text. */
  trap(message: string, node: ts.Node): void {
    this.b.trap(this.dry > 0 ? 0 : this.program.exports.trapSite(message, this.locOf(node)));
  }

  // ---- Walking ----------------------------------------------------------------------------------------------------

  expression(node: ts.Expression): Operand {
    const loc = this.b.loc;
    this.at(node);
    const operand = lowerExpression(this, node);
    if (this.program.checkIntervals && this.dry === 0 && this.env !== undefined && operand.kind === "int")
      checkInterval(this, operand, node);
    this.b.loc = loc;
    return operand;
  }

  statement(node: ts.Statement): void {
    if (this.env === undefined) return;
    this.at(node);
    try {
      lowerStatement(this, node);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (this.dry === 0) this.refused = true;
    }
  }

  // ---- Reachability -----------------------------------------------------------------------------------------------

  /** Goes on in a block with what is known there. */
  resume(block: Block, env: Env): void {
    this.b.place(block);
    this.env = env;
    if (env === undefined) this.b.unreachable();
  }

  /** Ends the path. */
  leave(): void {
    this.env = undefined;
  }

  know(variable: Variable, range: Interval): void {
    if (this.env === undefined) return;
    this.env = new Map(this.env).set(variable, range);
  }

  // ---- Integers ---------------------------------------------------------------------------------------------------

  /** The operand as an integer. */
  int(operand: Operand, node: ts.Node): Int {
    if (operand.kind === "int") return operand;
    if (operand.kind === "known") {
      const value = operand.value;
      if (typeof value === "bigint") {
        if (bitsFor({ lo: value, hi: value }, true) === undefined)
          this.refuse("beyond-128", node, { range: show({ lo: value, hi: value }) });
        return literal(value, true);
      }
      if (typeof value === "number") {
        if (!Number.isSafeInteger(value)) this.refuse("float", node, { value: String(value) });
        return literal(BigInt(value), false);
      }
    }
    return this.refuse("not-an-integer", node, { what: describe(operand) });
  }

  bool(operand: Operand, node: ts.Node): Value {
    if (operand.kind === "bool") return operand.value;
    if (operand.kind === "known" && typeof operand.value === "boolean")
      return constant(i1, operand.value ? 1n : 0n);
    return this.refuse("not-a-boolean", node, { what: describe(operand) });
  }

  /** Refuses an expression about which TypeScript knows nothing. */
  typed(node: ts.Expression): void {
    if (this.dry === 0 && this.program.facts.isAny(node)) this.refuse("any", node);
  }

  /** Refuses an integer that may not fit. */
  fit(a: Int, range: Interval, typeName: string | (() => string), node: ts.Node): Int {
    if (contains(range, a.range)) return a;
    const type = typeof typeName === "string" ? typeName : typeName();
    return this.refuse("may-not-fit", node, { range: show(a.range), type });
  }

  // ---- Declared types ---------------------------------------------------------------------------------------------

  declaredAt(node: ts.Node): Declared {
    return this.program.facts.declaredOf(this.checker.getTypeAtLocation(node));
  }

  /** The IR values of an operand in a shape; refuses what does not fit. */
  flatten(
    operand: Operand,
    shape: Shape,
    node: ts.Node,
    typeName: string | (() => string) = "this",
  ): Value[] {
    switch (shape.kind) {
      case "void":
      case "known":
        return [];
      case "int": {
        const a = this.int(operand, node);
        if (a.big !== shape.big) this.refuse("mixed-kinds", node, {});
        return [carriedAt(this.b, this.fit(a, shape.range, typeName, node), shape.bits)];
      }
      case "bool":
        return [this.bool(operand, node)];
      case "struct":
        if (operand.kind === "known" && operand.value === null) return [{ kind: "null", type: ptr }];
        if (operand.kind === "struct") return [operand.value];
        break;
      case "array":
        if (operand.kind === "array") return [operand.value];
        break;
      case "record":
        if (operand.kind === "record") {
          return [...shape.fields].flatMap(([name, field]) => {
            const value = operand.fields.get(name);
            return value === undefined
              ? this.refuse("mixed-shapes", node, { what: describe(operand) })
              : this.flatten(value, field, node, typeName);
          });
        }
        break;
    }
    return this.refuse("mixed-shapes", node, { what: describe(operand) });
  }

  /** The operand that a shape's IR values stand for; takes them from the front of `values`. */
  unflatten(shape: Shape, values: Value[]): Operand {
    switch (shape.kind) {
      case "void":
        return nothing;
      case "known":
        return known(shape.value);
      case "int":
        return settle(this.b, { kind: "int", big: shape.big, range: shape.range, value: values.shift()! });
      case "bool":
        return { kind: "bool", value: values.shift()! };
      case "struct":
        return {
          kind: "struct",
          descriptor: shape.descriptor,
          nullable: shape.nullable,
          value: values.shift()!,
        };
      case "array":
        return { kind: "array", descriptor: shape.descriptor, value: values.shift()! };
      case "record": {
        const fields = new Map<string, Operand>();
        for (const [name, field] of shape.fields) fields.set(name, this.unflatten(field, values));
        return { kind: "record", fields };
      }
    }
  }

  // ---- Variables --------------------------------------------------------------------------------------------------

  /** Declares a local that holds `operand`; `mutable` where the source assigns it again. */
  declare(name: ts.Identifier, operand: Operand, mutable: boolean): void {
    const symbol = this.program.facts.symbolOf(name);
    if (symbol === undefined) throw new Error(`${name.text} has no symbol`);
    const type = this.#typeOfPlace(symbol, name, mutable);
    const declared: Declared = type === undefined ? { kind: "other" } : this.program.facts.declaredOf(type);
    // What a template passes on may be nothing.
    const passed = this.checker.getTypeAtLocation(name).flags & ts.TypeFlags.TypeParameter;
    if (operand.kind === "void" && (mutable || !passed)) this.refuse("no-value", name, {});
    const isInt =
      operand.kind === "int" ||
      (operand.kind === "known" && (typeof operand.value === "number" || typeof operand.value === "bigint"));
    if (isInt && declared.kind === "int")
      this.fit(this.int(operand, name), declared.range, declared.name, name);
    if (!mutable) {
      const variable: Variable = { name: name.text, declared, content: { kind: "fixed", operand } };
      this.variables.set(symbol, variable);
      if (operand.kind === "int") this.know(variable, operand.range);
      this.#name(variable, operand);
      return;
    }
    const own = shapeOf(operand);
    if (own.kind === "int" && declared.kind === "int" && own.big !== declared.big)
      this.refuse("mixed-kinds", name, {});
    const shape = placeShape(this.checker, type!, own, name, "widest");
    if (shape.kind === "known") this.refuse("known-variable", name, { name: name.text });
    const slots = irTypes(shape).map((type) => this.b.slot(name.text, sizeOf(type), sizeOf(type)));
    const variable: Variable = { name: name.text, declared, content: { kind: "slots", slots, shape } };
    this.variables.set(symbol, variable);
    this.write(variable, operand, name);
    if (this.program.debug && slots.length === 1) this.b.declare(slots[0]!, name.text, debugTypeOf(shape));
  }

  /** The declared type of a local; undefined for a constant without one, which is what it is given. */
  #typeOfPlace(symbol: ts.Symbol, name: ts.Identifier, mutable: boolean): ts.Type | undefined {
    const declaration = symbol.valueDeclaration;
    const inferred =
      declaration !== undefined &&
      (ts.isVariableDeclaration(declaration) || ts.isBindingElement(declaration)) &&
      !mutable;
    if (inferred && (ts.isBindingElement(declaration) || declaration.type === undefined)) return undefined;
    const type = this.checker.getTypeOfSymbolAtLocation(symbol, name);
    if (type.flags & ts.TypeFlags.Any) this.refuse("any", name);
    return type;
  }

  /** Keeps a constant local visible to the debugger. */
  #name(variable: Variable, operand: Operand): void {
    if (!this.program.debug || this.dry > 0) return;
    const shape = shapeOf(operand);
    const types = irTypes(shape);
    if (types.length !== 1) return;
    const slot = this.b.slot(variable.name, sizeOf(types[0]!), sizeOf(types[0]!));
    this.b.store(this.flatten(operand, shape, this.site.node)[0]!, slot, sizeOf(types[0]!));
    this.b.declare(slot, variable.name, debugTypeOf(shape));
  }

  /** Poisons a name whose declaration was refused, so that its uses stay silent. */
  poison(name: ts.BindingName): void {
    if (ts.isIdentifier(name)) {
      const symbol = this.program.facts.symbolOf(name);
      if (symbol !== undefined)
        this.variables.set(symbol, {
          name: name.text,
          declared: { kind: "other" },
          content: { kind: "poisoned" },
        });
    } else for (const element of name.elements) if (ts.isBindingElement(element)) this.poison(element.name);
  }

  write(variable: Variable, operand: Operand, node: ts.Node): void {
    const content = variable.content;
    if (content.kind === "poisoned") throw new Refused("poisoned");
    if (content.kind === "fixed") throw new Error(`${variable.name} is assigned but was not found to be`);
    let shape = content.shape;
    if (shape.kind === "struct") {
      const joined = joinShapes(shape, shapeOf(operand));
      if (joined === undefined) this.refuse("mixed-shapes", node, { what: describe(operand) });
      shape = joined;
      variable.content = { ...content, shape };
    }
    const typeName =
      variable.declared.kind === "int"
        ? variable.declared.name
        : shape.kind === "int" && shape.big
          ? "bigint"
          : "number";
    this.flatten(operand, shape, node, typeName).forEach((value, i) => {
      this.b.store(value, content.slots[i]!, sizeOf(value.type));
    });
    if (shape.kind === "int") this.know(variable, this.int(operand, node).range);
    else if (shape.kind === "struct") this.know(variable, nullness(operand));
  }

  read(variable: Variable): Operand {
    const content = variable.content;
    if (content.kind === "poisoned") throw new Refused("poisoned");
    const range = this.env?.get(variable);
    if (content.kind === "fixed") {
      const operand = content.operand;
      if (range === undefined) return operand;
      if (operand.kind === "int") return { ...operand, range: meet(operand.range, range) ?? operand.range };
      return operand.kind === "struct" ? asKnownNull(operand, range) : operand;
    }
    if (content.shape.kind === "struct" && range?.hi === 0n) return known(null);
    const values = irTypes(content.shape).map((type, i) =>
      this.b.load(type, content.slots[i]!, sizeOf(type)),
    );
    if (content.shape.kind === "int") {
      return settle(this.b, {
        kind: "int",
        big: content.shape.big,
        range: range ?? content.shape.range,
        value: values[0]!,
      });
    }
    const operand = this.unflatten(content.shape, values);
    return operand.kind === "struct" && range !== undefined ? asKnownNull(operand, range) : operand;
  }

  /** The local that an identifier names. */
  variableOf(node: ts.Identifier): Variable | undefined {
    const symbol = this.program.facts.symbolOf(node);
    return symbol === undefined ? undefined : this.variables.get(symbol);
  }

  hasCapture(name: string): boolean {
    return this.#captures.has(name);
  }
  capture(name: string): unknown {
    return this.#captures.get(name);
  }

  // ---- Branching --------------------------------------------------------------------------------------------------

  /** Chooses between two ways of computing a value; each is lowered in its own block with its own knowledge. */
  choose(ways: readonly { block: Block; env: Env; lower: () => Operand }[], node: ts.Node): Operand {
    const arms: { end: Block; operand: Operand; env: Known }[] = [];
    for (const way of ways) {
      if (way.env === undefined) continue;
      this.resume(way.block, way.env);
      const operand = way.lower();
      if (this.env !== undefined) arms.push({ end: this.b.current, operand, env: this.env });
    }
    if (arms.length === 0) {
      this.leave();
      return nothing;
    }
    const [only] = arms;
    if (arms.length === 1) {
      this.b.reopen(only!.end);
      this.env = only!.env;
      return only!.operand;
    }
    const shapes = arms.map((arm) => shapeOf(arm.operand));
    const shape = shapes.reduce<Shape | undefined>(
      (a, s) => (a === undefined ? undefined : joinShapes(a, s)),
      shapes[0],
    );
    if (shape === undefined)
      this.refuse("mixed-shapes", node, { what: arms.map((arm) => describe(arm.operand)).join(" and ") });
    const slots = irTypes(shape).map((type) => this.b.slot("choice", sizeOf(type), sizeOf(type)));
    const merge = this.b.block("merge");
    let env: Env = undefined;
    for (const arm of arms) {
      this.b.reopen(arm.end);
      this.flatten(arm.operand, shape, node).forEach((value, i) => {
        this.b.store(value, slots[i]!, sizeOf(value.type));
      });
      this.b.jump(merge);
      env = joinEnvs(env, arm.env);
    }
    this.resume(merge, env);
    return this.unflatten(
      shape,
      irTypes(shape).map((type, i) => this.b.load(type, slots[i]!, sizeOf(type))),
    );
  }
}

/** Whether a reference is null: [0, 0] it is, [1, 1] it is not. */
function nullness(operand: Operand): Interval {
  if (operand.kind === "known" && operand.value === null) return { lo: 0n, hi: 0n };
  return operand.kind === "struct" && !operand.nullable ? { lo: 1n, hi: 1n } : { lo: 0n, hi: 1n };
}

/** A reference, with what is known of its nullness. */
function asKnownNull(operand: StructOperand, range: Interval): Operand {
  if (range.hi === 0n) return known(null);
  return range.lo === 1n ? { ...operand, nullable: false } : operand;
}

/** Size in bytes that a slot needs. */
export function sizeOf(type: IrType): number {
  if (type.kind === "int") return Math.max(1, type.bits / 8);
  if (type.kind === "ptr") return 8;
  throw new Error(`a slot holds no ${type.kind}`);
}

export function memoryInt(bits: 8 | 16 | 32 | 64): IrType {
  return bits === 8 ? i8 : bits === 16 ? i16 : bits === 32 ? i32 : i64;
}
export { irInt };
