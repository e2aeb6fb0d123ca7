/**
 * A guest program that prints the time-stamp counter, as the bytes of a static ELF executable for Linux on x86_64.
 * In a deterministic run the counter counts instructions, so two of its lines tell what lies between them. It executes
 * CPUID first, which every hypervisor intercepts: from outside, that exit's RIP tells when the program runs.
 */

const loadAddress = 0x400000n;
const headerBytes = 64;
const programHeaderBytes = 56;

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

const entry = loadAddress + BigInt(headerBytes + programHeaderBytes);

/** The address of the program's CPUID. */
export const ticksMark = entry + 2n;

/** The bytes of the executable (System V ABI, ELF-64: one header, one loadable segment, the code). */
export function ticksProgram(): Buffer {
  const sizeBytes = headerBytes + programHeaderBytes + code.length;
  const file = Buffer.alloc(sizeBytes);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file);
  file.writeUInt16LE(2, 16); // e_type: executable
  file.writeUInt16LE(62, 18); // e_machine: x86_64
  file.writeUInt32LE(1, 20); // e_version
  file.writeBigUInt64LE(entry, 24); // e_entry
  file.writeBigUInt64LE(BigInt(headerBytes), 32); // e_phoff
  file.writeUInt16LE(headerBytes, 52); // e_ehsize
  file.writeUInt16LE(programHeaderBytes, 54); // e_phentsize
  file.writeUInt16LE(1, 56); // e_phnum
  file.writeUInt32LE(1, headerBytes); // p_type: load
  file.writeUInt32LE(5, headerBytes + 4); // p_flags: read, execute
  file.writeBigUInt64LE(loadAddress, headerBytes + 16); // p_vaddr
  file.writeBigUInt64LE(loadAddress, headerBytes + 24); // p_paddr
  file.writeBigUInt64LE(BigInt(sizeBytes), headerBytes + 32); // p_filesz
  file.writeBigUInt64LE(BigInt(sizeBytes), headerBytes + 40); // p_memsz
  file.writeBigUInt64LE(0x1000n, headerBytes + 48); // p_align
  code.copy(file, headerBytes + programHeaderBytes);
  return file;
}
