/**
 * Two guest programs for sockets between guests, as the bytes of executables: busybox has no client for AF_VSOCK. The
 * address that a program uses (`struct sockaddr_vm`, vsock(7)) lies behind its code.
 */
import { elfProgram } from "./elf-program.ts";

/** Listens, takes one connection after the other, and sends back what comes. */
// prettier-ignore
const echo = Buffer.from([
  0xb8, 0x29, 0x00, 0x00, 0x00,               // mov eax,0x29
  0xbf, 0x28, 0x00, 0x00, 0x00,               // mov edi,0x28
  0xbe, 0x01, 0x00, 0x00, 0x00,               // mov esi,0x1
  0x31, 0xd2,                                 // xor edx,edx
  0x0f, 0x05,                                 // syscall
  0x89, 0xc3,                                 // mov ebx,eax
  0x48, 0x8d, 0x35, 0x5f, 0x00, 0x00, 0x00,   // lea rsi,[rip+0x5f] addr
  0x89, 0xdf,                                 // mov edi,ebx
  0xba, 0x10, 0x00, 0x00, 0x00,               // mov edx,0x10
  0xb8, 0x31, 0x00, 0x00, 0x00,               // mov eax,0x31
  0x0f, 0x05,                                 // syscall
  0x89, 0xdf,                                 // mov edi,ebx
  0xbe, 0x08, 0x00, 0x00, 0x00,               // mov esi,0x8
  0xb8, 0x32, 0x00, 0x00, 0x00,               // mov eax,0x32
  0x0f, 0x05,                                 // syscall
  0x48, 0x81, 0xec, 0x00, 0x10, 0x00, 0x00,   // sub rsp,0x1000
  0x89, 0xdf,                                 // mov edi,ebx
  0x31, 0xf6,                                 // xor esi,esi
  0x31, 0xd2,                                 // xor edx,edx
  0xb8, 0x2b, 0x00, 0x00, 0x00,               // mov eax,0x2b
  0x0f, 0x05,                                 // syscall
  0x89, 0xc5,                                 // mov ebp,eax
  0x89, 0xef,                                 // mov edi,ebp
  0x48, 0x89, 0xe6,                           // mov rsi,rsp
  0xba, 0x00, 0x10, 0x00, 0x00,               // mov edx,0x1000
  0x31, 0xc0,                                 // xor eax,eax
  0x0f, 0x05,                                 // syscall
  0x85, 0xc0,                                 // test eax,eax
  0x7e, 0x10,                                 // jle close
  0x89, 0xc2,                                 // mov edx,eax
  0x89, 0xef,                                 // mov edi,ebp
  0x48, 0x89, 0xe6,                           // mov rsi,rsp
  0xb8, 0x01, 0x00, 0x00, 0x00,               // mov eax,0x1
  0x0f, 0x05,                                 // syscall
  0xeb, 0xde,                                 // jmp copy
  0x89, 0xef,                                 // mov edi,ebp
  0xb8, 0x03, 0x00, 0x00, 0x00,               // mov eax,0x3
  0x0f, 0x05,                                 // syscall
  0xeb, 0xc4,                                 // jmp next
]);

/** Connects, sends its standard input and ends that direction, and writes what comes until the other has ended. Its status is 0, or the error of the connection. */
// prettier-ignore
const connect = Buffer.from([
  0xb8, 0x29, 0x00, 0x00, 0x00,               // mov eax,0x29
  0xbf, 0x28, 0x00, 0x00, 0x00,               // mov edi,0x28
  0xbe, 0x01, 0x00, 0x00, 0x00,               // mov esi,0x1
  0x31, 0xd2,                                 // xor edx,edx
  0x0f, 0x05,                                 // syscall
  0x89, 0xc3,                                 // mov ebx,eax
  0x48, 0x8d, 0x35, 0x77, 0x00, 0x00, 0x00,   // lea rsi,[rip+0x77] addr
  0x89, 0xdf,                                 // mov edi,ebx
  0xba, 0x10, 0x00, 0x00, 0x00,               // mov edx,0x10
  0xb8, 0x2a, 0x00, 0x00, 0x00,               // mov eax,0x2a
  0x0f, 0x05,                                 // syscall
  0x48, 0x81, 0xec, 0x00, 0x10, 0x00, 0x00,   // sub rsp,0x1000
  0xf7, 0xd8,                                 // neg eax
  0x75, 0x55,                                 // jne exit
  0x31, 0xff,                                 // xor edi,edi
  0x48, 0x89, 0xe6,                           // mov rsi,rsp
  0xba, 0x00, 0x10, 0x00, 0x00,               // mov edx,0x1000
  0x31, 0xc0,                                 // xor eax,eax
  0x0f, 0x05,                                 // syscall
  0x85, 0xc0,                                 // test eax,eax
  0x7e, 0x10,                                 // jle shut
  0x89, 0xc2,                                 // mov edx,eax
  0x89, 0xdf,                                 // mov edi,ebx
  0x48, 0x89, 0xe6,                           // mov rsi,rsp
  0xb8, 0x01, 0x00, 0x00, 0x00,               // mov eax,0x1
  0x0f, 0x05,                                 // syscall
  0xeb, 0xde,                                 // jmp up
  0x89, 0xdf,                                 // mov edi,ebx
  0xbe, 0x01, 0x00, 0x00, 0x00,               // mov esi,0x1
  0xb8, 0x30, 0x00, 0x00, 0x00,               // mov eax,0x30
  0x0f, 0x05,                                 // syscall
  0x89, 0xdf,                                 // mov edi,ebx
  0x48, 0x89, 0xe6,                           // mov rsi,rsp
  0xba, 0x00, 0x10, 0x00, 0x00,               // mov edx,0x1000
  0x31, 0xc0,                                 // xor eax,eax
  0x0f, 0x05,                                 // syscall
  0x85, 0xc0,                                 // test eax,eax
  0x7e, 0x13,                                 // jle exit
  0x89, 0xc2,                                 // mov edx,eax
  0xbf, 0x01, 0x00, 0x00, 0x00,               // mov edi,0x1
  0x48, 0x89, 0xe6,                           // mov rsi,rsp
  0xb8, 0x01, 0x00, 0x00, 0x00,               // mov eax,0x1
  0x0f, 0x05,                                 // syscall
  0xeb, 0xdb,                                 // jmp down
  0x89, 0xc7,                                 // mov edi,eax
  0xb8, 0x3c, 0x00, 0x00, 0x00,               // mov eax,0x3c
  0x0f, 0x05,                                 // syscall
]);

/** VMADDR_CID_ANY. */
const anyone = 0xffff_ffff;

function address(cid: number, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(40, 0); // svm_family: AF_VSOCK
  bytes.writeUInt32LE(port, 4); // svm_port
  bytes.writeUInt32LE(cid, 8); // svm_cid
  return bytes;
}

/** A program that sends back what comes to a port. */
export function vsockEcho(port: number): Buffer {
  return elfProgram(Buffer.concat([echo, address(anyone, port)]));
}

/** A program that talks to a port of another guest. */
export function vsockConnect(cid: number, port: number): Buffer {
  return elfProgram(Buffer.concat([connect, address(cid, port)]));
}
