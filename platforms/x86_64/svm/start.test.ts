import test from "ava";
import { make } from "../../../dsl/core/layout.ts";
import { resetRegisters } from "./registers.ts";
import { startFlat } from "./start.ts";
import { SvmVcpu } from "./vcpu.ts";

const segments = ["cs", "ds", "es", "fs", "gs", "ss"] as const;
/** Type, S, DPL, P, AVL, L, D and G of a flat 32-bit segment (APM vol. 2 §4.8, §15.5.1). */
const flat = { code: 0xc9b, data: 0xc93 };
/** Present, of the type "busy 32-bit TSS". */
const activeTask = 0x8b;

function started(taskState: boolean): SvmVcpu {
  const v = make(SvmVcpu);
  resetRegisters(v);
  startFlat(v, 0x12_3456n, {
    gdtGpa: 0x6000n,
    registers: [
      { index: 3, value: 0x7000n },
      { index: 0, value: 0x2bad_b002n },
    ],
    taskState,
  });
  return v;
}

test("a kernel starts in 32-bit mode with flat segments, without paging and without interrupts", (t) => {
  const v = started(false);
  for (const name of segments) {
    const { base, limit, attributes } = v.vmcb[name];
    t.deepEqual([base, limit, attributes], [0n, 0xffff_ffff, name === "cs" ? flat.code : flat.data], name);
  }
  t.is(v.vmcb.cs.selector, 0x10);
  t.is(v.vmcb.ss.selector, 0x18);
  t.deepEqual([v.vmcb.gdtr.base, v.vmcb.gdtr.limit], [0x6000n, 31]);
  t.is(v.vmcb.rip, 0x12_3456n);
  // PE, and ET, which is fixed to 1.
  t.is(v.vmcb.cr0, 0x11n);
  t.is(v.cr4, 0n);
  t.is(v.efer, 0n);
  // VM, IF and TF.
  t.is(v.vmcb.rflags & 0x2_0300n, 0n);
});

test("general registers are those that the loader names, and zero otherwise", (t) => {
  const v = started(false);
  const values = Array.from({ length: 16 }, (_, i) => v.gpr[i]);
  t.deepEqual(values, [0x2bad_b002n, 0n, 0n, 0x7000n, ...Array.from({ length: 12 }, () => 0n)]);
});

test("TR holds an active TSS at 0 with limit 0x67 where the loader asks for it", (t) => {
  const { base, limit, attributes } = started(true).vmcb.tr;
  t.deepEqual([base, limit, attributes], [0n, 0x67, activeTask]);
  t.is(started(false).vmcb.tr.limit, 0xffff);
});
