/** Payloads of tests: 32-bit code in a bzImage's clothes, and a machine that runs it as its guest. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MachineOptions } from "../../../../ci/qemu-arguments.ts";
import type { Machine } from "../../../../ci/qemu.ts";
import { composeImage } from "../../../../compiler/build.ts";
import { linkEfi } from "../../../../compiler/link/efi.ts";
import { repositoryRoot } from "../../../../compiler/root.ts";
import { withMachine } from "../../selftest-boot.ts";

/** Where a payload is loaded and entered, in 32-bit mode with flat segments. */
export const loadAddress = 0x100_0000;
const setupBytes = 5 * 512;

/**
 * What every payload may use: `say` writes the zero-terminated text at ESI to COM1, `hex` EAX as eight digits. Any
 * exception goes to the code at the label in `onFault`, with the vector in EAX, the error code (or 0) in EDX and the
 * interrupted EIP in ECX.
 */
const runtime = `
.code32
.globl _start
_start:
  movl $stackTop, %esp
  call install
  jmp main
say:
  lodsb
  testb %al, %al
  jz 2f
  movb %al, %bl
  call put
  jmp say
2: ret
put:
  movw $0x3fd, %dx
1: inb %dx, %al
  testb $0x20, %al
  jz 1b
  movw $0x3f8, %dx
  movb %bl, %al
  outb %al, %dx
  ret
hex:
  movl $8, %ecx
  movl %eax, %edi
1: roll $4, %edi
  movl %edi, %ebx
  andl $15, %ebx
  movb digits(%ebx), %bl
  call put
  loop 1b
  ret
digits: .ascii "0123456789abcdef"
install:
  xorl %ecx, %ecx
1: movl %ecx, %eax
  shll $4, %eax
  addl $stubs, %eax
  movw %ax, idt(,%ecx,8)
  movw $0x10, idt+2(,%ecx,8)
  movw $0x8e00, idt+4(,%ecx,8)
  shrl $16, %eax
  movw %ax, idt+6(,%ecx,8)
  incl %ecx
  cmpl $32, %ecx
  jne 1b
  lidt idtr
  ret
idtr: .word 32 * 8 - 1
  .long idt
  .balign 16
stubs:
  .set vector, 0
  .rept 32
  .balign 16
  .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
  .else
  pushl $0
  .endif
  pushl $vector
  jmp caught
  .set vector, vector + 1
  .endr
  .balign 16
caught:
  popl %eax
  popl %edx
  movl (%esp), %ecx
  movl $stackTop, %esp
  jmp *onFault
  .data
  .balign 8
onFault: .long unexpected
idt: .fill 32 * 8
  .space 4096
stackTop:
  .text
unexpected:
  pushl %eax
  movl $unexpectedText, %esi
  call say
  popl %eax
  call hex
  cli
1: hlt
  jmp 1b
unexpectedText: .asciz "unexpected exception "
`;

/** Assembles 32-bit AT&T code, whose entry is the label \`main\`, into a payload. */
export function assemble(code: string): Buffer {
  const script = `SECTIONS { . = ${loadAddress}; .text : { *(.text) } .data : { *(.data) } }`;
  return bzImage(link(code, { entry: "_start", script, flat: true }));
}

/** How code becomes a file. */
export interface Linking {
  /** The entry point's symbol. */
  readonly entry: string;
  /** The linker's script. */
  readonly script: string;
  /** Without headers; otherwise an ELF file. */
  readonly flat: boolean;
}

/** Assembles 32-bit AT&T code with what every payload may use, and links it. */
export function link(code: string, { entry, script, flat }: Linking): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-payload-"));
  try {
    const at = (name: string): string => join(folder, name);
    writeFileSync(at("payload.s"), `${runtime}\n.text\n${code}\n`);
    execFileSync("as", ["--32", "-o", at("payload.o"), at("payload.s")]);
    writeFileSync(at("payload.ld"), script);
    const options = ["-m", "elf_i386", "--no-warn-rwx-segments", "-T", at("payload.ld"), "-e", entry];
    execFileSync("ld", [...options, "-o", at("payload.elf"), at("payload.o")]);
    execFileSync("objcopy", [...(flat ? ["-O", "binary"] : []), at("payload.elf"), at("payload.bin")]);
    return readFileSync(at("payload.bin"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Puts a set-up header of protocol 2.15 before code that is linked to `loadAddress`. */
function bzImage(code: Buffer): Buffer {
  const setup = Buffer.alloc(setupBytes);
  setup[0x1f1] = setupBytes / 512 - 1;
  setup.writeUInt32LE(Math.ceil(code.length / 16), 0x1f4);
  setup.writeUInt16LE(0xaa55, 0x1fe);
  setup[0x201] = 0x6a;
  setup.write("HdrS", 0x202, "latin1");
  setup.writeUInt16LE(0x020f, 0x206);
  setup[0x211] = 1;
  setup.writeUInt32LE(0x7fff_ffff, 0x22c);
  setup.writeUInt32LE(0x20_0000, 0x230);
  setup[0x234] = 1;
  setup.writeUInt32LE(255, 0x238);
  setup.writeBigUInt64LE(BigInt(loadAddress), 0x258);
  setup.writeUInt32LE(0x10_0000, 0x260);
  return Buffer.concat([setup, code, Buffer.alloc(16 - (code.length % 16))]);
}

const built = new Map<string, Uint8Array>();

/** Runs a payload as every guest of an image in `ci/boot/images/` for as long as `use` takes. */
export async function withPayload(
  payload: Uint8Array,
  use: (machine: Machine) => Promise<void>,
  options: MachineOptions = {},
  image = "bare-payload",
): Promise<void> {
  const efi =
    built.get(image) ??
    linkEfi({
      module: composeImage(join(repositoryRoot, `ci/boot/images/${image}.ts`), false).module,
      entry: "efi_main",
    }).efi;
  built.set(image, efi);
  const files = [{ path: `typevisor/${image}/vmlinuz-cloud`, source: payload }];
  await withMachine(efi, { memoryMiB: 256, ...options, files }, use);
}
