/** What each instruction asks of its operands and its result. */
import type { AsmSite, Instr, IrType, Ordering, Terminator, Value } from "./ir.ts";
import { printType } from "./print.ts";
import { sameType } from "./traverse.ts";

/** Parameters and result of a callee. */
export interface SymbolSignature {
  readonly params: readonly IrType[];
  readonly result: IrType;
}

/** What the types of instructions depend on. */
export interface TypeContext {
  /** The signature of a function; an assembly function takes that of its first use. */
  readonly signatureOf: (symbol: string, used: SymbolSignature) => SymbolSignature | undefined;
  readonly asmSite: ReadonlyMap<string, AsmSite>;
  readonly trapCount: number;
}

const isInt = (type: IrType): boolean => type.kind === "int";
const isPtr = (type: IrType): boolean => type.kind === "ptr";
const bitsOf = (type: IrType): number => (type.kind === "int" ? type.bits : 64);
const isMemory = (type: IrType): boolean => type.kind === "int" || type.kind === "ptr";
const isAlignment = (n: number): boolean => Number.isInteger(n) && n > 0 && Number.isInteger(Math.log2(n));

/** Collects messages. */
class Rules {
  readonly messages: string[] = [];

  constructor(private readonly op: string) {}

  that(holds: boolean, message: string): void {
    if (!holds) this.messages.push(`${this.op}: ${message}`);
  }

  same(what: string, value: IrType, wanted: IrType): void {
    this.that(sameType(value, wanted), `${what} is ${printType(value)}, not ${printType(wanted)}`);
  }

  int(what: string, value: Value): void {
    this.that(isInt(value.type), `${what} is ${printType(value.type)}, not an integer`);
  }

  ptr(what: string, value: Value): void {
    this.that(isPtr(value.type), `${what} is ${printType(value.type)}, not a pointer`);
  }

  bits(what: string, value: Value, bits: 1 | 8 | 32 | 64): void {
    this.same(what, value.type, { kind: "int", bits });
  }
}

/** The problems of one instruction. */
export function instrProblems(instr: Instr, context: TypeContext): string[] {
  const name = "fn" in instr ? instr.fn : instr.op === "compare" ? instr.pred : instr.op;
  const rules = new Rules(name);
  const result = instr.result.type;
  const noResult = (): void => rules.same("the result", result, { kind: "void" });
  switch (instr.op) {
    case "slot":
      rules.same("the result", result, { kind: "ptr" });
      rules.that(Number.isInteger(instr.sizeBytes) && instr.sizeBytes > 0, `${instr.sizeBytes} is no size`);
      rules.that(isAlignment(instr.align), `alignment ${instr.align} is no power of two`);
      break;
    case "binary":
      rules.int("the left operand", instr.a);
      rules.same("the right operand", instr.b.type, instr.a.type);
      rules.same("the result", result, instr.a.type);
      if (/^(shl|lshr|ashr)$/.test(instr.fn) && instr.b.kind === "const") {
        rules.that(
          instr.b.value < BigInt(bitsOf(instr.a.type)),
          `a shift by ${instr.b.value} of ${printType(result)}`,
        );
      }
      if (/div|rem/.test(instr.fn) && instr.b.kind === "const")
        rules.that(instr.b.value !== 0n, "a division by zero");
      break;
    case "compare":
      rules.that(isMemory(instr.a.type), "integers and pointers compare");
      rules.same("the right operand", instr.b.type, instr.a.type);
      rules.same("the result", result, { kind: "int", bits: 1 });
      break;
    case "cast":
      castRules(rules, instr);
      break;
    case "unary":
      rules.int("the operand", instr.a);
      rules.same("the result", result, instr.a.type);
      if (instr.fn === "bswap") rules.that(bitsOf(instr.a.type) >= 16, "at least two bytes are swapped");
      break;
    case "select":
      rules.bits("the condition", instr.cond, 1);
      rules.same("the second value", instr.b.type, instr.a.type);
      rules.same("the result", result, instr.a.type);
      break;
    case "offset":
      rules.ptr("the base", instr.base);
      rules.that(Number.isInteger(instr.bytes), `${instr.bytes} is no count of bytes`);
      rules.same("the result", result, { kind: "ptr" });
      break;
    case "index":
      rules.ptr("the base", instr.base);
      rules.bits("the index", instr.index, 64);
      rules.that(
        Number.isInteger(instr.strideBytes) && instr.strideBytes > 0,
        `${instr.strideBytes} is no stride`,
      );
      rules.same("the result", result, { kind: "ptr" });
      break;
    case "load":
      rules.ptr("the address", instr.from);
      accessRules(rules, result, instr, ["relaxed", "acquire", "seqcst"]);
      break;
    case "store":
      rules.ptr("the address", instr.to);
      accessRules(rules, instr.value.type, instr, ["relaxed", "release", "seqcst"]);
      noResult();
      break;
    case "rmw":
      rules.ptr("the address", instr.at);
      rules.int("the value", instr.value);
      rules.that(bitsOf(instr.value.type) >= 8 && bitsOf(instr.value.type) <= 64, "8 to 64 bits are atomic");
      rules.same("the result", result, instr.value.type);
      break;
    case "cmpxchg":
      rules.ptr("the address", instr.at);
      rules.that(isMemory(instr.expected.type), "integers and pointers are exchanged");
      rules.that(
        bitsOf(instr.expected.type) >= 8 && bitsOf(instr.expected.type) <= 64,
        "8 to 64 bits are atomic",
      );
      rules.same("the desired value", instr.desired.type, instr.expected.type);
      rules.same("the result", result, {
        kind: "record",
        fields: [instr.expected.type, { kind: "int", bits: 1 }],
      });
      break;
    case "fence":
      rules.that(instr.order !== "relaxed", "a fence orders something");
      noResult();
      break;
    case "copy":
      rules.ptr("the destination", instr.to);
      rules.ptr("the source", instr.from);
      rules.bits("the count of bytes", instr.bytes, 64);
      noResult();
      break;
    case "fill":
      rules.ptr("the destination", instr.to);
      rules.bits("the fill", instr.fill, 8);
      rules.bits("the count of bytes", instr.bytes, 64);
      noResult();
      break;
    case "call": {
      const used = { params: instr.args.map((arg) => arg.type), result };
      callRules(rules, `@${instr.callee}`, context.signatureOf(instr.callee, used), used);
      break;
    }
    case "callAsm": {
      const used = { params: instr.args.map((arg) => arg.type), result };
      callRules(rules, `assembly site ${instr.site}`, context.asmSite.get(instr.site), used);
      break;
    }
    case "callPointer":
      rules.ptr("the callee", instr.callee);
      break;
    case "record":
      rules.same("the result", result, { kind: "record", fields: instr.fields.map((field) => field.type) });
      break;
    case "extract": {
      const { type } = instr.from;
      const field = type.kind === "record" ? type.fields[instr.index] : undefined;
      if (field === undefined) rules.that(false, `${printType(type)} has no field ${instr.index}`);
      else rules.same("the result", result, field);
      break;
    }
    case "assume":
      rules.bits("the condition", instr.cond, 1);
      noResult();
      break;
    case "declare":
      rules.ptr("the slot", instr.slot);
      noResult();
      break;
  }
  return rules.messages;
}

function castRules(rules: Rules, instr: Extract<Instr, { op: "cast" }>): void {
  const from = instr.a.type;
  const to = instr.result.type;
  const text = `${printType(from)} to ${printType(to)}`;
  if (instr.fn === "ptrtoint")
    rules.that(isPtr(from) && isInt(to) && bitsOf(to) === 64, `${text} is not ptr to i64`);
  else if (instr.fn === "inttoptr")
    rules.that(isInt(from) && bitsOf(from) === 64 && isPtr(to), `${text} is not i64 to ptr`);
  else {
    const fits = instr.fn === "trunc" ? bitsOf(to) < bitsOf(from) : bitsOf(to) > bitsOf(from);
    rules.that(
      isInt(from) && isInt(to) && fits,
      `${text} is no ${instr.fn === "trunc" ? "narrowing" : "widening"}`,
    );
  }
}

function accessRules(
  rules: Rules,
  type: IrType,
  access: { align: number; order: Ordering | undefined },
  orders: readonly Ordering[],
): void {
  rules.that(isMemory(type), `${printType(type)} has no form in memory`);
  rules.that(isAlignment(access.align), `alignment ${access.align} is no power of two`);
  if (access.order === undefined || !isMemory(type)) return;
  const bytes = Math.max(1, bitsOf(type) / 8);
  rules.that(orders.includes(access.order), `the order ${access.order} does not apply`);
  rules.that(access.align >= bytes && bytes <= 8, "an atomic access is aligned, and 8 bytes at most");
}

function callRules(
  rules: Rules,
  callee: string,
  wanted: SymbolSignature | undefined,
  used: SymbolSignature,
): void {
  if (wanted === undefined) return rules.that(false, `${callee} does not exist`);
  rules.that(used.params.length === wanted.params.length, `${used.params.length} arguments for ${callee}`);
  wanted.params.forEach((type, i) => {
    const arg = used.params[i];
    if (arg !== undefined) rules.same(`argument ${i} of ${callee}`, arg, type);
  });
  rules.same("the result", used.result, wanted.result);
}

/** The problems of one terminator. */
export function terminatorProblems(end: Terminator, result: IrType, context: TypeContext): string[] {
  const rules = new Rules(end.op);
  switch (end.op) {
    case "branch":
      rules.bits("the condition", end.cond, 1);
      break;
    case "switch": {
      rules.int("the value", end.on);
      const values = new Set(end.cases.map((c) => c.value));
      rules.that(values.size === end.cases.length, "a case is there twice");
      for (const value of values) {
        rules.that(
          value >= 0n && value < 1n << BigInt(bitsOf(end.on.type)),
          `case ${value} does not fit the value`,
        );
      }
      break;
    }
    case "return":
      rules.same("the value", end.value?.type ?? { kind: "void" }, result);
      break;
    case "trap":
      rules.that(end.site >= 0 && end.site < context.trapCount, `trap site ${end.site} does not exist`);
      break;
    case "jump":
    case "unreachable":
      break;
  }
  return rules.messages;
}
