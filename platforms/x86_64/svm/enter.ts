/**
 * The entry to a guest and the exit from it, as one assembly site. The general registers that VMRUN does not switch
 * are loaded and stored here; vector and x87 state stays in the CPU, since nothing in the hypervisor touches it.
 */
import { u64 } from "../../../dsl/core/int.ts";
import { offsetOf } from "../../../dsl/core/layout.ts";
import { guestLandmark } from "../../../dsl/core/landmark.ts";
import { asm } from "../../asm.ts";
import { landmarkLine } from "../../landmark.ts";
import { SvmVcpu } from "./vcpu.ts";
import { Vmcb } from "./vmcb.ts";

const gprAt = offsetOf(SvmVcpu, "gpr");
const raxAt = offsetOf(Vmcb, "rax");
const rspAt = offsetOf(Vmcb, "rsp");

/** Registers that the site moves itself, with their place in `gpr`. */
const moved = [
  ["rcx", 1],
  ["rdx", 2],
  ["rbx", 3],
  ["rbp", 5],
  ["rsi", 6],
  ["rdi", 7],
  ["r8", 8],
  ["r9", 9],
  ["r10", 10],
  ["r11", 11],
  ["r12", 12],
  ["r13", 13],
  ["r14", 14],
  ["r15", 15],
] as const;

const lines = [
  "pushq %rbx",
  "pushq %rbp",
  "pushq %rdi",
  // RAX and RSP travel through the VMCB.
  `movq ${gprAt}(%rax), %rcx`,
  `movq %rcx, ${raxAt}(%rax)`,
  `movq ${gprAt + 8 * 4}(%rax), %rcx`,
  `movq %rcx, ${rspAt}(%rax)`,
  ...moved.map(([name, index]) => `movq ${gprAt + 8 * index}(%rax), %${name}`),
  "vmload %rax",
  landmarkLine(guestLandmark),
  "vmrun %rax",
  "vmsave %rax",
  ...moved.map(([name, index]) => `movq %${name}, ${gprAt + 8 * index}(%rax)`),
  `movq ${raxAt}(%rax), %rcx`,
  `movq %rcx, ${gprAt}(%rax)`,
  `movq ${rspAt}(%rax), %rcx`,
  `movq %rcx, ${gprAt + 8 * 4}(%rax)`,
  "popq %rdi",
  "movq %rdi, %rax",
  "vmload %rax",
  "stgi",
  "popq %rbp",
  "popq %rbx",
];

/**
 * Runs the guest until an exit. `(vcpu, host)` are the addresses of the vCPU and of the page into which `vmsave` put
 * this CPU's FS, GS, TR, LDTR and system-call registers. Called with the global interrupt flag clear and interrupts
 * enabled; returns with it set, so a pending host interrupt is taken here. Returns `host`.
 */
export const enterGuest = asm({
  template: lines.join("\n"),
  constraints:
    "={rax},0,{rdi},~{rcx},~{rdx},~{rsi},~{r8},~{r9},~{r10},~{r11},~{r12},~{r13},~{r14},~{r15},~{memory}",
  params: [u64, u64],
  result: u64,
});
