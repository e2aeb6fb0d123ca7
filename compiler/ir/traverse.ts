import type { Block, Instr, IrType, Terminator, Value } from "./ir.ts";

/** The values that an instruction uses, in the order of its textual form. */
export function operandsOf(instr: Instr): readonly Value[] {
  switch (instr.op) {
    case "slot":
    case "fence":
      return [];
    case "binary":
    case "compare":
      return [instr.a, instr.b];
    case "cast":
    case "unary":
      return [instr.a];
    case "select":
      return [instr.cond, instr.a, instr.b];
    case "offset":
      return [instr.base];
    case "index":
      return [instr.base, instr.index];
    case "load":
      return [instr.from];
    case "store":
      return [instr.value, instr.to];
    case "rmw":
      return [instr.at, instr.value];
    case "cmpxchg":
      return [instr.at, instr.expected, instr.desired];
    case "copy":
      return [instr.to, instr.from, instr.bytes];
    case "fill":
      return [instr.to, instr.fill, instr.bytes];
    case "call":
    case "callAsm":
      return instr.args;
    case "callPointer":
      return [instr.callee, ...instr.args];
    case "record":
      return instr.fields;
    case "extract":
      return [instr.from];
    case "assume":
      return [instr.cond];
    case "declare":
      return [instr.slot];
  }
}

/** The values that a terminator uses. */
export function terminatorOperandsOf(end: Terminator): readonly Value[] {
  if (end.op === "branch") return [end.cond];
  if (end.op === "switch") return [end.on];
  if (end.op === "return" && end.value !== undefined) return [end.value];
  return [];
}

/** The blocks that a terminator may go to, the default of a switch first. */
export function successorsOf(end: Terminator): readonly Block[] {
  if (end.op === "jump") return [end.to];
  if (end.op === "branch") return [end.then, end.else];
  if (end.op === "switch") return [end.otherwise, ...end.cases.map((c) => c.to)];
  return [];
}

/** The reachable blocks in reverse postorder: every block after its dominators. */
export function reversePostorder(blocks: readonly Block[]): Block[] {
  const entry = blocks[0];
  if (entry === undefined) return [];
  const seen = new Set<Block>([entry]);
  const order: Block[] = [];
  const next = (block: Block): Block[] => (block.end === undefined ? [] : [...successorsOf(block.end)]);
  const stack = [{ block: entry, next: next(entry) }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const to = top.next.pop();
    if (to === undefined) {
      order.push(top.block);
      stack.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      stack.push({ block: to, next: next(to) });
    }
  }
  return order.reverse();
}

/** Whether two types are the same. */
export function sameType(a: IrType, b: IrType): boolean {
  if (a === b) return true;
  if (a.kind === "int") return b.kind === "int" && a.bits === b.bits;
  if (a.kind !== "record") return a.kind === b.kind;
  if (b.kind !== "record" || a.fields.length !== b.fields.length) return false;
  return a.fields.every((field, i) => sameType(field, b.fields[i]!));
}
