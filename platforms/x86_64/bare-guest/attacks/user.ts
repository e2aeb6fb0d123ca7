/** A program of the guest's at CPL 3: what its own kernel forbids it, the hypervisor does not do for it either. */
import { addressOf, copyBytes, load64, store16, store64 } from "../../../../dsl/core/intrinsics.ts";
import { u16, u32, u64, u8 } from "../../../../dsl/core/int.ts";
import { array, struct } from "../../../../dsl/core/layout.ts";
import { storage } from "../../../../dsl/core/storage.ts";
import { addressOfFunction, naked } from "../../../asm.ts";
import { readCr3, writeCr3 } from "../../instructions.ts";
import { trying } from "../attempts.ts";
import { recovery, setGate } from "../faults.ts";
import { gdtGpa, tablesGpa } from "../place.ts";
import { attack, counted, refused, type Attack } from "./attack.ts";
import { directory, directoryPointers, mapSideBySide, memoryPage, table, window } from "./mapping.ts";

const general = 14n;
const kernelCode = 0x00af_9b00_0000_ffffn;
const kernelData = 0x00cf_9300_0000_ffffn;
const userCode = 0x00af_fb00_0000_ffffn;
const userData = 0x00cf_f300_0000_ffffn;
/** Of the table below: an available 64-bit task, and the stack of the kernel that exceptions come to (APM vol. 2 §12.2.5). */
const taskSelector = 0x28n;
const taskBytes = 0x68;
const rsp0 = 4n;

const words = (name: string, count: number) =>
  storage(name, struct(name, { words: array(u64, count) }, { align: 16 }), { align: 16 });
const descriptors = words("guestUserTable", 8);
const task = words("guestUserTask", 14);
const stack = words("guestUserStack", 64);
const pseudo = words("guestUserRegister", 2);

const stubBytes = 16;
const vectors = Object.freeze([6, 13, 14]);
const withErrorCode = 8;
/** Back from CPL 3 to the attempt, whose stack R11 has. */
const stubs = naked({
  symbol: "guest.userfaults",
  lines: [
    ...vectors.flatMap((vector) => [
      `.balign ${stubBytes}`,
      ...(vector < withErrorCode ? ["pushq $0"] : []),
      `pushq $${vector}`,
      "jmp .Lguest_userfault",
    ]),
    ".Lguest_userfault:",
    "popq %r9",
    "incq %r9",
    "movw $0x10, %ax",
    "movw %ax, %ss",
    "jmpq *%{recovery}(%rip)",
  ],
  uses: { recovery },
});

/** What only a kernel may do; RSI is an address that CPL 3 reaches. */
const privileged = [
  ...["cli", "sti", "hlt", "clts", "wbinvd", "invd", "swapgs", "rdmsr", "wrmsr", "xsetbv"],
  ...["inb $0x80, %al", "outb %al, $0x80", "inl %dx, %eax", "insb", "outsl", "invlpg (%rsi)"],
  ...["movq %cr0, %rax", "movq %rax, %cr3", "movq %rax, %cr4", "movq %cr8, %rax", "movq %rax, %db7"],
  ...["lgdt (%rsi)", "lidt (%rsi)", "lldt %ax", "ltr %ax", "lmsw %ax"],
];
/** The one behind them. */
const call = privileged.length;
const program = naked({
  symbol: "guest.user",
  lines: [
    ...privileged,
    // A hypercall: notify.
    "movl $0x15404, %ecx; vmmcall",
  ].flatMap((instruction) => [`.balign ${stubBytes}`, instruction, "ud2"]),
});

/** To CPL 3, at RSI. */
const enterSite = trying("pushq $$0x23; pushq %rsp; pushq $$2; pushq $$0x1b; pushq %rsi; lgdt (%rdx); iretq");
const loadTaskSite = trying("lgdt (%rdx); ltr %si");
const backSite = trying(`lgdt 0x${(gdtGpa + 0x80).toString(16)}`);

/** Lets CPL 3 have the window's first page, with the program in it, and the kernel hear of its exceptions. */
function prepare(): void {
  mapSideBySide(memoryPage, memoryPage);
  for (const entry of entries) store64(entry, u64(load64(entry) | 4n));
  writeCr3(readCr3());
  copyBytes(memoryPage, addressOfFunction(program), BigInt(stubBytes * (call + 1)));
  const at = addressOf(task);
  descriptors.words[1] = kernelCode;
  descriptors.words[2] = kernelData;
  descriptors.words[3] = userCode;
  descriptors.words[4] = userData;
  descriptors.words[5] = u64(
    BigInt(taskBytes - 1) | ((at & 0xff_ffffn) << 16n) | (0x89n << 40n) | (((at >> 24n) & 0xffn) << 56n),
  );
  descriptors.words[6] = u64(at >> 32n);
  store64(u64(at + rsp0), u64(addressOf(stack) + 512n));
  // No map of ports.
  store16(u64(at + 0x66n), u16(taskBytes));
  const register = addressOf(pseudo);
  store64(register, u64((addressOf(descriptors) << 16n) | 0x37n));
  store64(u64(register + 8n), u64(addressOf(descriptors) >> 48n));
  loadTaskSite(taskSelector, register);
  const first = addressOfFunction(stubs);
  for (let i = 0; i < vectors.length; i++) setGate(u32(vectors[i]), u64(first + BigInt(stubBytes * i)));
}
const entries = Object.freeze([u64(BigInt(tablesGpa)), u64(directoryPointers + 8n * 5n), directory, table]);

/** Executes the instruction with this number at CPL 3. */
function execute(number: u8): u64 {
  const got = enterSite(u64(window + BigInt(stubBytes * number)), addressOf(pseudo));
  backSite(0n, 0n);
  return got;
}

function everyPrivileged(): u64 {
  prepare();
  let refusals: u64 = 0n;
  for (let i = 0; i < call; i++) if (execute(u8(i)) === general) refusals = u64(refusals + 1n);
  return refusals;
}

export const userAttacks: readonly Attack[] = [
  attack(
    "user-privileged",
    `executes ${call} privileged instructions at CPL 3, port accesses among them`,
    counted(call, "times #GP"),
    everyPrivileged,
  ),
  attack("user-hypercall", "makes a hypercall at CPL 3", refused(6), () => {
    prepare();
    return execute(call);
  }),
];
