/**
 * Memory accesses that LLVM's builder API cannot express, each as one `alwaysinline` function of the prelude: volatile,
 * atomic and under-aligned loads and stores, read-modify-write, fences, and pointers in memory on a 32-bit target.
 */
import type { Instr, IrType, Ordering } from "../ir/ir.ts";
import { memoryBytes } from "../ir/layout.ts";
import type { Target } from "./target.ts";

/** A function of the prelude that stands for one kind of access. */
export interface AccessHelper {
  readonly name: string;
  readonly text: string;
}

const orderNames: Record<Ordering, string> = {
  relaxed: "monotonic",
  acquire: "acquire",
  release: "release",
  acqrel: "acq_rel",
  seqcst: "seq_cst",
};

const failureOrders: Record<Ordering, string> = {
  relaxed: "monotonic",
  acquire: "acquire",
  release: "monotonic",
  acqrel: "acquire",
  seqcst: "seq_cst",
};

/** How a value lies in memory: i1 as a byte, a pointer as an i64 where pointers are narrower. */
interface MemoryForm {
  readonly value: string;
  readonly memory: string;
  readonly toMemory: (from: string, to: string) => string[];
  readonly fromMemory: (from: string, to: string) => string[];
}

function memoryForm(type: IrType, target: Target): MemoryForm {
  if (type.kind === "int" && type.bits === 1) {
    return {
      value: "i1",
      memory: "i8",
      toMemory: (from, to) => [`${to} = zext i1 ${from} to i8`],
      fromMemory: (from, to) => [`${to} = trunc i8 ${from} to i1`],
    };
  }
  if (type.kind === "ptr" && target.pointerBits === 32) {
    return {
      value: "i8*",
      memory: "i64",
      toMemory: (from, to) => [`${to} = ptrtoint i8* ${from} to i64`],
      fromMemory: (from, to) => [`${to} = inttoptr i64 ${from} to i8*`],
    };
  }
  const name = type.kind === "ptr" ? "i8*" : `i${(type as { bits: number }).bits}`;
  const same = (from: string, to: string): string[] => [`${to} = bitcast ${name} ${from} to ${name}`];
  return { value: name, memory: name, toMemory: same, fromMemory: same };
}

const typeName = (type: IrType): string =>
  type.kind === "ptr" ? "ptr" : `i${(type as { bits: number }).bits}`;

function helper(name: string, result: string, params: string, lines: readonly string[]): AccessHelper {
  const body = lines.map((line) => `  ${line}\n`).join("");
  return { name, text: `define internal ${result} @${name}(${params}) #0 {\n${body}}\n` };
}

function needsHelper(
  type: IrType,
  access: { align: number; volatile: boolean; order: Ordering | undefined },
  target: Target,
): boolean {
  if (access.volatile || access.order !== undefined) return true;
  if (type.kind === "ptr" && target.pointerBits === 32) return true;
  // LLVM 14 aligns i128 to 8 bytes on both targets.
  return access.align < Math.min(memoryBytes(type), 8);
}

function accessName(
  kind: string,
  type: IrType,
  access: { align: number; volatile: boolean; order?: unknown },
): string {
  const order = typeof access.order === "string" ? `.${access.order}` : "";
  return `tv.${kind}.${typeName(type)}.a${access.align}${access.volatile ? ".volatile" : ""}${order}`;
}

/** The helper that an instruction calls, or undefined where the builder can say it. */
export function accessHelper(instr: Instr, target: Target): AccessHelper | undefined {
  switch (instr.op) {
    case "load": {
      const type = instr.result.type;
      if (!needsHelper(type, instr, target)) return undefined;
      const form = memoryForm(type, target);
      const atomic = instr.order === undefined ? "" : " atomic";
      const order = instr.order === undefined ? "" : ` ${orderNames[instr.order]}`;
      const volatile = instr.volatile ? " volatile" : "";
      return helper(accessName("load", type, instr), form.value, "i8* %p", [
        `%q = bitcast i8* %p to ${form.memory}*`,
        `%m = load${atomic}${volatile} ${form.memory}, ${form.memory}* %q${order}, align ${instr.align}`,
        ...form.fromMemory("%m", "%v"),
        `ret ${form.value} %v`,
      ]);
    }
    case "store": {
      const type = instr.value.type;
      if (!needsHelper(type, instr, target)) return undefined;
      const form = memoryForm(type, target);
      const atomic = instr.order === undefined ? "" : " atomic";
      const order = instr.order === undefined ? "" : ` ${orderNames[instr.order]}`;
      const volatile = instr.volatile ? " volatile" : "";
      return helper(accessName("store", type, instr), "void", `i8* %p, ${form.value} %v`, [
        ...form.toMemory("%v", "%m"),
        `%q = bitcast i8* %p to ${form.memory}*`,
        `store${atomic}${volatile} ${form.memory} %m, ${form.memory}* %q${order}, align ${instr.align}`,
        "ret void",
      ]);
    }
    case "rmw": {
      const name = typeName(instr.value.type);
      const bytes = memoryBytes(instr.value.type);
      return helper(`tv.rmw.${instr.fn}.${name}.${instr.order}`, name, `i8* %p, ${name} %v`, [
        `%q = bitcast i8* %p to ${name}*`,
        `%r = atomicrmw ${instr.fn} ${name}* %q, ${name} %v ${orderNames[instr.order]}, align ${bytes}`,
        `ret ${name} %r`,
      ]);
    }
    case "cmpxchg": {
      const type = instr.expected.type;
      const form = memoryForm(type, target);
      const { value, memory } = form;
      const orders = `${orderNames[instr.order]} ${failureOrders[instr.order]}`;
      const result = `{ ${value}, i1 }`;
      return helper(
        `tv.cmpxchg.${typeName(type)}.${instr.order}`,
        result,
        `i8* %p, ${value} %e, ${value} %d`,
        [
          ...form.toMemory("%e", "%em"),
          ...form.toMemory("%d", "%dm"),
          `%q = bitcast i8* %p to ${memory}*`,
          `%r = cmpxchg ${memory}* %q, ${memory} %em, ${memory} %dm ${orders}, align ${memoryBytes(type)}`,
          `%o = extractvalue { ${memory}, i1 } %r, 0`,
          ...form.fromMemory("%o", "%ov"),
          `%s = extractvalue { ${memory}, i1 } %r, 1`,
          `%t = insertvalue ${result} undef, ${value} %ov, 0`,
          `%u = insertvalue ${result} %t, i1 %s, 1`,
          `ret ${result} %u`,
        ],
      );
    }
    case "fence":
      return helper(`tv.fence.${instr.order}`, "void", "", [`fence ${orderNames[instr.order]}`, "ret void"]);
    case "copy":
      return blockHelper(instr.overlap ? "memmove" : "memcpy", "i8* %from", target);
    case "fill":
      return blockHelper("memset", "i8 %fill", target);
    default:
      return undefined;
  }
}

/** memcpy, memmove and memset with an i64 length on every target. */
function blockHelper(kind: "memcpy" | "memmove" | "memset", source: string, target: Target): AccessHelper {
  const size = `i${target.pointerBits}`;
  const intrinsic = kind === "memset" ? `llvm.memset.p0i8.${size}` : `llvm.${kind}.p0i8.p0i8.${size}`;
  const sourceType = kind === "memset" ? "i8" : "i8*";
  const width = size === "i64" ? "%n = add i64 %bytes, 0" : `%n = trunc i64 %bytes to ${size}`;
  const made = helper(`tv.${kind}`, "void", `i8* %to, ${source}, i64 %bytes`, [
    width,
    `call void @${intrinsic}(i8* %to, ${source}, ${size} %n, i1 false)`,
    "ret void",
  ]);
  return {
    name: made.name,
    text: `declare void @${intrinsic}(i8*, ${sourceType}, ${size}, i1)\n${made.text}`,
  };
}
