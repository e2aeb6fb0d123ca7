/**
 * A guest program that prints the time-stamp counter, as the bytes of a static ELF executable for Linux on x86_64.
 * In a deterministic run the counter counts instructions, so two of its lines tell what lies between them. It executes
 * CPUID first, which every hypervisor intercepts: from outside, that exit's RIP tells when the program runs.
 */
import { elfProgram, programEntry } from "./elf-program.ts";

// prettier-ignore
const code = Buffer.from([
  0x31, 0xc0,                         // xor eax, eax
  0x0f, 0xa2,                         // cpuid
  0x0f, 0x31,                         // rdtsc
  0x48, 0xc1, 0xe2, 0x20,             // shl rdx, 32
  0x48, 0x09, 0xd0,                   // or rax, rdx
  0x48, 0x83, 0xec, 0x20,             // sub rsp, 32
  0x48, 0x8d, 0x74, 0x24, 0x1f,       // lea rsi, [rsp + 31]
  0xc6, 0x06, 0x0a,                   // mov byte [rsi], '\n'
  0xb9, 0x0a, 0x00, 0x00, 0x00,       // mov ecx, 10
  0x31, 0xd2,                         // digit: xor edx, edx
  0x48, 0xf7, 0xf1,                   // div rcx
  0x80, 0xc2, 0x30,                   // add dl, '0'
  0x48, 0xff, 0xce,                   // dec rsi
  0x88, 0x16,                         // mov [rsi], dl
  0x48, 0x85, 0xc0,                   // test rax, rax
  0x75, 0xee,                         // jnz digit
  0x48, 0x8d, 0x54, 0x24, 0x20,       // lea rdx, [rsp + 32]
  0x48, 0x29, 0xf2,                   // sub rdx, rsi
  0xbf, 0x01, 0x00, 0x00, 0x00,       // mov edi, 1 (standard output)
  0xb8, 0x01, 0x00, 0x00, 0x00,       // mov eax, 1 (write)
  0x0f, 0x05,                         // syscall
  0x31, 0xff,                         // xor edi, edi
  0xb8, 0x3c, 0x00, 0x00, 0x00,       // mov eax, 60 (exit)
  0x0f, 0x05,                         // syscall
]);

/** The address of the program's CPUID. */
export const ticksMark = programEntry + 2n;

/** The bytes of the executable. */
export function ticksProgram(): Buffer {
  return elfProgram(code);
}
