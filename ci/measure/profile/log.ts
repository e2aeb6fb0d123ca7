/** What QEMU's log of a run with one instruction per translated block says was executed (`-d exec,nochain`). */

/** One executed instruction. */
export interface Executed {
  /** Executed by a guest, under VMRUN. */
  readonly guest: boolean;
  readonly address: number;
}

/** CPU, block, CS base, RIP, the CPU's flags, the block's flags. */
const trace = /^Trace \d+: \S+ \[[0-9a-f]+\/([0-9a-f]+)\/([0-9a-f]+)\/([0-9a-f]+)\]/;
/** The emulator looked a block up, and had to do something else before it could run it. */
const stopped = /^Stopped execution /;
/** QEMU target/i386/cpu.h, HF_GUEST_SHIFT. */
const underVmrun = 1 << 21;
/** QEMU include/exec/exec-all.h, CF_MEMI_ONLY: the block runs again because its instruction reaches a device. */
const again = 1 << 16;

/** Collects what is executed from the lines of a log. */
export class ExecutionLog {
  readonly executed: Executed[] = [];

  line(text: string): void {
    const found = trace.exec(text);
    if (found === null) {
      if (stopped.test(text)) this.executed.pop();
      return;
    }
    const address = parseInt(found[1], 16);
    if ((parseInt(found[3], 16) & again) !== 0 && this.executed.at(-1)?.address === address)
      this.executed.pop();
    this.executed.push({ guest: (parseInt(found[2], 16) & underVmrun) !== 0, address });
  }
}
