import test from "ava";
import { kvmMemory, xenMemory } from "./peer-memory.ts";

const xen = [
  "(XEN) System RAM: 1023MB (1048060kB)",
  "(XEN)     Xen heap: 0kB free",
  "(XEN)     heap[15]: 64512kB free",
  "(XEN)     Dom heap: 440000kB free",
  "(XEN)     nr_pages=131072 xenheap_pages=2 dirty_cpus={0} max_pages=4294967295",
  "(XEN)     nr_pages=16384 xenheap_pages=5 dirty_cpus={} max_pages=16640",
];

test("what Xen takes is the machine's memory without what is free and what domains have", (t) => {
  t.is(xenMemory(xen.join("\n")).bytes, (1_048_060 - 440_000 - 4 * (131_072 + 16_384)) * 1024);
});

test("a Xen that tells of another number of domains, or does not tell of its memory, is refused", (t) => {
  t.throws(() => xenMemory(xen.slice(0, 5).join("\n")), { message: /1 domains instead of two/ });
  t.throws(() => xenMemory(xen.slice(1).join("\n")), { message: /tells 0 times of .*System RAM/ });
});

const meminfo = (when: string, free: number, anonymous: number): string[] =>
  [
    ["MemTotal", 1000],
    ["MemFree", free],
    ["Buffers", 1],
    ["Cached", 50],
    ["Active(anon)", 7],
    ["AnonPages", anonymous],
  ].map(([field, value]) => `${when} ${field}:        ${value} kB`);

test("what KVM takes is what the host's kernel keeps more than before, and not what the VMM has", (t) => {
  const console = [...meminfo("before", 800, 10), ...meminfo("with", 600, 200)].join("\n");
  t.is(kvmMemory(console).bytes, (149 - 139) * 1024);
  t.throws(() => kvmMemory(meminfo("before", 800, 10).join("\n")), { message: /tells 0 times/ });
});
