/** Interrupts from a guest's first virtual CPU to its second, which takes them while it runs, or out of HLT. */
import { addressOf, volatile } from "../../../dsl/core/intrinsics.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { addressOfFunction, asm, naked } from "../../asm.ts";
import { say } from "../console-text.ts";
import { hlt, sti } from "../instructions.ts";
import { setGate } from "./faults.ts";
import { markInstruction, marks } from "./mark.ts";
import { beginSecond, commandRegister, startSecond, toSecond } from "./second-cpu.ts";

const vector = 0x43;

const arrived = storage("guestArrived", struct("GuestArrived", { value: u64 }));

/** Begins with a mark, and counts once the interrupt is ended (Intel SDM vol. 3 §11.12.1.2). */
const handler = naked({
  symbol: "guest.arrived",
  lines: [
    markInstruction(marks.arrives),
    "pushq %rax",
    "pushq %rcx",
    "pushq %rdx",
    "movl $0x80b, %ecx",
    "xorl %eax, %eax",
    "xorl %edx, %edx",
    "wrmsr",
    "popq %rdx",
    "popq %rcx",
    "popq %rax",
    "incq %{arrived}(%rip)",
    "iretq",
  ],
  uses: { arrived },
});

const Wish = struct("GuestSecondWish", { halts: u64 });
const wish = storage("guestSecondWish", Wish);

function second(): never {
  beginSecond();
  sti();
  for (;;) if (volatile.load64(addressOf(wish)) !== 0n) hlt();
}

const sendSite = asm({
  template: `movl $$${commandRegister}, %ecx; movl $$${vector}, %eax; movl $$${toSecond >> 32n}, %edx; ${markInstruction(marks.sends)}; wrmsr`,
  constraints: "~{rax},~{rcx},~{rdx},~{memory}",
  params: [],
});

/** How often an interrupt is sent. */
const repetitions = 256;
/** Looks at memory until the second virtual CPU is out of its handler and, where it halts, its CPU rests. */
const restLooks = 50_000;

function send(): void {
  const at = addressOf(arrived);
  for (let i = 0; i < repetitions; i++) {
    for (let look = 0; look < restLooks; look++) volatile.load64(at);
    const before = volatile.load64(at);
    sendSite();
    while (volatile.load64(at) === before) continue;
  }
}

/** Starts the second virtual CPU, sends it interrupts while it runs and then while it is halted, and says when that is done. */
export function sendToSecond(): void {
  setGate(vector, addressOfFunction(handler));
  startSecond(addressOfFunction(second));
  send();
  volatile.store64(addressOf(wish), 1n);
  send();
  say("measured\n");
}
