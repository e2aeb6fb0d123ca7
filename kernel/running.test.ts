import test from "ava";
import { provide } from "../dsl/core/binding.ts";
import { array, make } from "../dsl/core/layout.ts";
import { cpus } from "./cpu.ts";
import { Domain, DomainState } from "./domain.ts";
import { never } from "./machine.ts";
import { oneProcessor, processors, type Processors } from "./processors.ts";
import { running } from "./running.ts";
import type { Scheduler } from "./scheduler/scheduler.ts";
import { modelMachine } from "./testing/machine.ts";
import { Request, Vcpu, VcpuState } from "./vcpu.ts";
import { virtualization, type Virtualization } from "./virtualization.ts";

/** Two CPUs, of which the test is one; two domains, the first with vCPUs 0 and 1, the second with 2. */
function scene() {
  modelMachine();
  const told: string[] = [];
  let here = 0;
  /** What the scheduler wants to choose again. */
  let signals = 0n;
  const two: Processors = {
    ...oneProcessor,
    capacity: 2,
    here: () => here,
    signal: (cpu) => void told.push(`signal ${cpu}`),
    awaitOut: (cpu) => void told.push(`await ${cpu}`),
  };
  provide(processors, two);
  const scheduler: Scheduler = {
    accounts: true,
    start: () => undefined,
    online: () => undefined,
    wake: (vcpu, _now, event) => void told.push(`wake ${vcpu}${event ? " by event" : ""}`),
    sleep: (vcpu) => void told.push(`sleep ${vcpu}`),
    charge: () => undefined,
    choose: () => -1,
    deadline: () => never,
    giveWay: (cpu, to) => void told.push(`${cpu} gives way to ${to}`),
    takeSignals: () => {
      const taken = signals;
      signals = 0n;
      return taken;
    },
    ran: () => 0n,
  };
  const domains = make(array(Domain, 2));
  const vcpus = make(array(Vcpu, 3));
  const wakes = new Set<number>();
  provide(virtualization, {
    vcpu: (index) => vcpus[index],
    wakes: (vcpu) => wakes.has(vcpu.index),
  } as Partial<Virtualization> as Virtualization);
  domains[0].vcpuCount = 2;
  domains[1].index = 1;
  domains[1].firstVcpu = 2;
  domains[1].vcpuCount = 1;
  for (const index of [0, 1, 2]) {
    vcpus[index].index = index;
    vcpus[index].domain = domains[index === 2 ? 1 : 0];
    vcpus[index].state = VcpuState.running;
  }
  for (const index of [0, 1]) {
    domains[index].state = DomainState.running;
    cpus[index].current = null;
    cpus[index].again = false;
  }
  const on = (cpu: number, vcpu: number): void => {
    cpus[cpu].current = vcpus[vcpu];
    vcpus[vcpu].cpu = cpu;
  };
  return {
    ...{ made: running(scheduler, 3), told, domains, vcpus, wakes, on },
    from: (cpu: number) => (here = cpu),
    want: (bits: bigint) => (signals = bits),
  };
}
test.afterEach(() => provide(processors, oneProcessor));

test.serial("a vCPU that runs on another CPU looks at once, and is signalled once", (t) => {
  const s = scene();
  s.on(1, 1);
  s.made.notify(1);
  s.made.notify(1);
  t.is(s.vcpus[1].requests.load(), Request.interrupt);
  t.deepEqual(s.told, ["signal 1"]);
});

test.serial("what a vCPU keeps for its next entry does not hide from its CPU what another CPU asks", (t) => {
  const s = scene();
  s.on(1, 1);
  s.vcpus[1].requests.store(Request.event);
  s.made.notify(1);
  s.made.withdraw(s.domains[0]);
  s.made.shootDown(s.domains[0]);
  t.deepEqual(s.told, ["signal 1", "sleep 0", "signal 1", "signal 1", "await 1"]);
});

test.serial("a vCPU that waits for a CPU, or runs here, is asked and no CPU is signalled", (t) => {
  const s = scene();
  s.on(0, 0);
  s.made.notify(0);
  s.made.notify(1);
  t.deepEqual(s.told, []);
});

test.serial("a halted vCPU goes on with what it halted for, on the CPU that is to take it", (t) => {
  const s = scene();
  s.vcpus[1].state = VcpuState.halted;
  s.made.notify(1);
  t.is(s.vcpus[1].state, VcpuState.halted);
  t.deepEqual(s.told, []);
  s.wakes.add(1);
  s.on(1, 2);
  s.want(2n);
  s.made.notify(1);
  t.is(s.vcpus[1].state, VcpuState.running);
  t.deepEqual(s.told, ["wake 1 by event", "signal 1"]);
  // What runs there gives way.
  t.is(s.vcpus[2].requests.load(), Request.yield);
});

test.serial("a halted vCPU of a guest that is paused wakes up when the guest goes on", (t) => {
  const s = scene();
  s.domains[0].state = DomainState.paused;
  s.vcpus[0].state = VcpuState.halted;
  s.vcpus[1].state = VcpuState.waiting;
  s.wakes.add(0);
  s.made.notify(0);
  t.deepEqual(s.told, []);
  s.domains[0].state = DomainState.running;
  s.made.admit(s.domains[0]);
  t.deepEqual(s.told, ["wake 0"]);
});

test.serial("INIT takes a vCPU from wherever it is, and the start-up message is for who waits", (t) => {
  const s = scene();
  s.made.startUp(1, 0x9a);
  t.is(s.vcpus[1].state, VcpuState.running);
  s.on(1, 1);
  s.made.initialise(1);
  t.deepEqual(s.told, ["signal 1"]);
  t.is(s.vcpus[1].state, VcpuState.waiting);
  s.made.startUp(1, 0x9a);
  t.is(s.vcpus[1].state, VcpuState.starting);
  t.is(s.vcpus[1].startVector, 0x9a);
  // The second of the two that the protocol sends.
  s.made.startUp(1, 0x9b);
  t.is(s.vcpus[1].startVector, 0x9a);
  t.deepEqual(s.told, ["signal 1", "wake 1"]);
});

test.serial("a domain that is withdrawn is at rest when the last of its vCPUs has been put down", (t) => {
  const s = scene();
  s.on(0, 2);
  s.on(1, 1);
  t.true(s.made.isAtRest(s.domains[0]) === false && s.made.isAtRest(s.domains[1]) === false);
  s.domains[0].state = DomainState.stopped;
  s.made.withdraw(s.domains[0]);
  t.deepEqual(s.told, ["sleep 0", "signal 1"]);
  t.is(s.vcpus[1].requests.load(), Request.domain);
  t.false(s.made.isAtRest(s.domains[0]));
  s.from(1);
  s.made.putDown(s.vcpus[1]);
  t.true(s.made.isAtRest(s.domains[0]));
  t.false(s.made.isAtRest(s.domains[1]));
  t.is(s.told.at(-1), "sleep 1");
});

test.serial("nobody goes on with a domain's old translations when a change of them is done", (t) => {
  const s = scene();
  s.on(0, 0);
  s.on(1, 1);
  s.made.shootDown(s.domains[0]);
  t.deepEqual(s.told, ["signal 1", "await 1"]);
  t.is(s.vcpus[0].requests.load(), Request.flush);
  t.is(s.vcpus[2].requests.load(), 0);
});

test.serial("a vCPU that spins gives way to one of its guest's that has no CPU, and else to any", (t) => {
  const s = scene();
  s.on(0, 0);
  s.vcpus[0].spins = true;
  s.made.putDown(s.vcpus[0]);
  t.is(s.told.at(-1), "0 gives way to 1");
  t.false(s.vcpus[0].spins);
  s.on(0, 0);
  s.on(1, 1);
  s.vcpus[0].spins = true;
  s.made.putDown(s.vcpus[0]);
  t.is(s.told.at(-1), "0 gives way to -1");
});
