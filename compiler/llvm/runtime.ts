/**
 * What LLVM's code generator takes for granted and the bare machine does not have: block memory operations and 128-bit
 * division. Each is in a section of its own that the linker drops when nothing uses it.
 */
import type { Target } from "./target.ts";

const blockCopy = [
  // Win64: rcx = to, rdx = from, r8 = bytes; rdi and rsi belong to the caller.
  "memcpy",
  ["movq %rdi, %r9", "movq %rsi, %r10", "movq %rcx, %rax", "movq %rcx, %rdi", "movq %rdx, %rsi"],
  ["movq %r8, %rcx", "shrq $3, %rcx", "rep movsq", "movl %r8d, %ecx", "andl $7, %ecx", "rep movsb"],
  ["movq %r9, %rdi", "movq %r10, %rsi", "retq"],
] as const;

const blockMove = [
  "memmove",
  ["movq %rcx, %rax", "subq %rdx, %rax", "cmpq %r8, %rax", "jae memcpy"],
  // The destination starts inside the source: copy from the last byte down.
  ["movq %rdi, %r9", "movq %rsi, %r10", "movq %rcx, %rax"],
  ["leaq -1(%rcx,%r8), %rdi", "leaq -1(%rdx,%r8), %rsi", "movq %r8, %rcx", "std", "rep movsb", "cld"],
  ["movq %r9, %rdi", "movq %r10, %rsi", "retq"],
] as const;

const blockFill = [
  "memset",
  ["movq %rdi, %r9", "movq %rcx, %r10", "movq %rcx, %rdi", "movzbl %dl, %eax"],
  ["movabsq $0x0101010101010101, %rcx", "imulq %rcx, %rax"],
  ["movq %r8, %rcx", "shrq $3, %rcx", "rep stosq", "movl %r8d, %ecx", "andl $7, %ecx", "rep stosb"],
  ["movq %r9, %rdi", "movq %r10, %rax", "retq"],
] as const;

function assembly([name, ...parts]: readonly [string, ...(readonly (readonly string[])[])]): string[] {
  return [
    `.section .text$zmem,"xr",discard,${name}`,
    `.globl ${name}`,
    ".p2align 4",
    `${name}:`,
    ...parts.flat().map((line) => `  ${line}`),
  ];
}

/** memcpy, memmove and memset as assembly lines for the bare machine. */
export function blockOperations(target: Target): string[] {
  return target.name === "efi" ? [blockCopy, blockMove, blockFill].flatMap(assembly) : [];
}

/** Instructions that a block operation executes at most on a known number of bytes; undefined for other functions. */
export function blockOperationCost(symbol: string, bytes: number): number | undefined {
  const words = Math.floor(bytes / 8) + (bytes % 8);
  if (symbol === "memcpy") return blockCopy.slice(1).flat().length + words;
  if (symbol === "memset") return blockFill.slice(1).flat().length + words;
  // An overlap is copied byte by byte.
  return symbol === "memmove" ? blockMove.slice(1).flat().length + bytes : undefined;
}

/**
 * Quotient and remainder of 128-bit integers, unsigned and signed. A divisor below 2^64 takes two `div` instructions
 * on x86-64; everything else is long division by bits.
 */
export function divisionHelpers(target: Target): string {
  return [
    target.name === "efi" ? wideByNarrowX86 : wideByNarrowPlain,
    unsignedDivision,
    ...(["div", "rem"] as const).flatMap((kind) => [unsignedPart(kind), signedPart(kind)]),
  ].join("\n");
}

/** Names of the four entry points of `divisionHelpers`. */
export const divisionNames = {
  udiv: "tv.udiv128",
  urem: "tv.urem128",
  sdiv: "tv.sdiv128",
  srem: "tv.srem128",
} as const;

const wideByNarrowX86 = `
define internal { i64, i64 } @tv.div.step(i64 %high, i64 %low, i64 %by) #0 {
  %r = call { i64, i64 } asm "divq $4", "={ax},={dx},0,1,r,~{cc},~{dirflag},~{fpsr},~{flags}"(i64 %low, i64 %high, i64 %by)
  ret { i64, i64 } %r
}
define internal { i128, i128 } @tv.div.narrow(i128 %a, i64 %by) #0 {
  %ah = lshr i128 %a, 64
  %high = trunc i128 %ah to i64
  %low = trunc i128 %a to i64
  %q1 = udiv i64 %high, %by
  %r1 = urem i64 %high, %by
  %s = call { i64, i64 } @tv.div.step(i64 %r1, i64 %low, i64 %by)
  %q0 = extractvalue { i64, i64 } %s, 0
  %r0 = extractvalue { i64, i64 } %s, 1
  %q1w = zext i64 %q1 to i128
  %q0w = zext i64 %q0 to i128
  %q1s = shl i128 %q1w, 64
  %q = or i128 %q1s, %q0w
  %r = zext i64 %r0 to i128
  %t = insertvalue { i128, i128 } undef, i128 %q, 0
  %u = insertvalue { i128, i128 } %t, i128 %r, 1
  ret { i128, i128 } %u
}`;

const wideByNarrowPlain = `
define internal { i128, i128 } @tv.div.narrow(i128 %a, i64 %by) #0 {
  %b = zext i64 %by to i128
  %r = call { i128, i128 } @tv.div.long(i128 %a, i128 %b)
  ret { i128, i128 } %r
}`;

const unsignedDivision = `
define internal { i128, i128 } @tv.div.long(i128 %a, i128 %b) #1 {
entry:
  br label %loop
loop:
  %i = phi i32 [ 128, %entry ], [ %i1, %loop ]
  %n = phi i128 [ %a, %entry ], [ %n1, %loop ]
  %r = phi i128 [ 0, %entry ], [ %r3, %loop ]
  %top = lshr i128 %n, 127
  %over = icmp slt i128 %r, 0
  %r1 = shl i128 %r, 1
  %r2 = or i128 %r1, %top
  %ge = icmp uge i128 %r2, %b
  %fits = or i1 %over, %ge
  %sub = sub i128 %r2, %b
  %r3 = select i1 %fits, i128 %sub, i128 %r2
  %bit = zext i1 %fits to i128
  %nshl = shl i128 %n, 1
  %n1 = or i128 %nshl, %bit
  %i1 = sub i32 %i, 1
  %done = icmp eq i32 %i1, 0
  br i1 %done, label %exit, label %loop
exit:
  %t = insertvalue { i128, i128 } undef, i128 %n1, 0
  %u = insertvalue { i128, i128 } %t, i128 %r3, 1
  ret { i128, i128 } %u
}
define internal { i128, i128 } @tv.div(i128 %a, i128 %b) #1 {
  %bh = lshr i128 %b, 64
  %wide = icmp ne i128 %bh, 0
  br i1 %wide, label %long, label %narrow
narrow:
  %by = trunc i128 %b to i64
  %rn = call { i128, i128 } @tv.div.narrow(i128 %a, i64 %by)
  ret { i128, i128 } %rn
long:
  %rl = call { i128, i128 } @tv.div.long(i128 %a, i128 %b)
  ret { i128, i128 } %rl
}`;

const unsignedPart = (kind: "div" | "rem"): string => `
define internal i128 @tv.u${kind}128(i128 %a, i128 %b) #1 {
  %r = call { i128, i128 } @tv.div(i128 %a, i128 %b)
  %v = extractvalue { i128, i128 } %r, ${kind === "div" ? 0 : 1}
  ret i128 %v
}`;

const signedPart = (kind: "div" | "rem"): string => `
define internal i128 @tv.s${kind}128(i128 %a, i128 %b) #1 {
  %an = icmp slt i128 %a, 0
  %bn = icmp slt i128 %b, 0
  %am = sub i128 0, %a
  %bm = sub i128 0, %b
  %au = select i1 %an, i128 %am, i128 %a
  %bu = select i1 %bn, i128 %bm, i128 %b
  %r = call i128 @tv.u${kind}128(i128 %au, i128 %bu)
  %neg = ${kind === "div" ? "xor i1 %an, %bn" : "or i1 %an, false"}
  %rm = sub i128 0, %r
  %v = select i1 %neg, i128 %rm, i128 %r
  ret i128 %v
}`;

/** What WebAssembly's code generator calls for a product and for shifts of 128 bits. */
export function wideArithmetic(target: Target): string {
  if (target.name !== "wasm") return "";
  return [wideMultiply, ...(["ashl", "lshr", "ashr"] as const).map(wideShift)].join("\n");
}

function wideShift(name: "ashl" | "lshr" | "ashr"): string {
  // `near` is the half that loses bits to the `far` one.
  const [near, far] = name === "ashl" ? ["%l", "%h"] : ["%h", "%l"];
  const [shift, back] = name === "ashl" ? ["shl", "lshr"] : [name, "shl"];
  const toFar = name === "ashl" ? "shl" : "lshr";
  const filler = name === "ashr" ? "ashr i64 %h, 63" : "and i64 %h, 0";
  const low = name === "ashl" ? "%nearOut" : "%farOut";
  const high = name === "ashl" ? "%farOut" : "%nearOut";
  return `
define hidden void @__${name}ti3(i8* %r, i64 %l, i64 %h, i32 %by) #1 {
  %n = zext i32 %by to i64
  %m = and i64 %n, 63
  %big = icmp uge i64 %n, 64
  %nearShifted = ${shift} i64 ${near}, %m
  %farShifted = ${toFar} i64 ${far}, %m
  %inverse = sub i64 63, %m
  %crossingHalf = ${back} i64 ${near}, 1
  %crossing = ${back} i64 %crossingHalf, %inverse
  %farMixed = or i64 %farShifted, %crossing
  %filler = ${filler}
  %farOut = select i1 %big, i64 %nearShifted, i64 %farMixed
  %nearOut = select i1 %big, i64 %filler, i64 %nearShifted
  %q = bitcast i8* %r to i64*
  store i64 ${low}, i64* %q, align 8
  %q1 = getelementptr i64, i64* %q, i32 1
  store i64 ${high}, i64* %q1, align 8
  ret void
}`;
}

const wideMultiply = `
define hidden void @__multi3(i8* %r, i64 %al, i64 %ah, i64 %bl, i64 %bh) #1 {
  %a0 = and i64 %al, 4294967295
  %a1 = lshr i64 %al, 32
  %b0 = and i64 %bl, 4294967295
  %b1 = lshr i64 %bl, 32
  %p00 = mul i64 %a0, %b0
  %p01 = mul i64 %a0, %b1
  %p10 = mul i64 %a1, %b0
  %p11 = mul i64 %a1, %b1
  %c0 = lshr i64 %p00, 32
  %m0 = add i64 %p10, %c0
  %m0l = and i64 %m0, 4294967295
  %m0h = lshr i64 %m0, 32
  %m1 = add i64 %p01, %m0l
  %m1h = lshr i64 %m1, 32
  %hl = add i64 %p11, %m0h
  %h0 = add i64 %hl, %m1h
  %x = mul i64 %al, %bh
  %y = mul i64 %ah, %bl
  %h1 = add i64 %h0, %x
  %h = add i64 %h1, %y
  %l = mul i64 %al, %bl
  %q = bitcast i8* %r to i64*
  store i64 %l, i64* %q, align 8
  %q1 = getelementptr i64, i64* %q, i32 1
  store i64 %h, i64* %q1, align 8
  ret void
}`;
