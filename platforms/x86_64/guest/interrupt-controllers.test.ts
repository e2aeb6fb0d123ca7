import test from "ava";
import { provide } from "../../../dsl/core/binding.ts";
import { make } from "../../../dsl/core/layout.ts";
import { cpus } from "../../../kernel/cpu.ts";
import { Domain, DomainState } from "../../../kernel/domain.ts";
import type { Running } from "../../../kernel/running.ts";
import { modelMachine } from "../../../kernel/testing/machine.ts";
import { Request, Vcpu } from "../../../kernel/vcpu.ts";
import { virtualization, type Virtualization } from "../../../kernel/virtualization.ts";
import { boardTargets } from "./interrupt-controllers.ts";

test.serial("whichever vCPU turns its guest off or resets it leaves its CPU, which does the rest", (t) => {
  modelMachine();
  const vcpus = [make(Vcpu), make(Vcpu)];
  provide(virtualization, { vcpu: (index) => vcpus[index]! } as Partial<Virtualization> as Virtualization);
  t.teardown(() => (cpus[0].current = null));
  for (const [name, state] of [
    ["power-off", DomainState.poweredOff],
    ["reset", DomainState.restarting],
  ] as const) {
    const domain = make(Domain);
    domain.state = DomainState.running;
    const guest = { index: 0, firstVcpu: 0, vcpuCount: 2 };
    const targets = boardTargets([guest], [domain] as never, [], null, null, {} as Running);
    cpus[0].current = vcpus[1]!;
    vcpus[1]!.requests.store(0);
    targets.signal(name, 0, 0)!(0);
    t.is(domain.state, state);
    t.is(vcpus[1]!.requests.load(), Request.yield);
    t.is(vcpus[0]!.requests.load(), 0, "its own CPU is told when the guest is withdrawn");
  }
});
