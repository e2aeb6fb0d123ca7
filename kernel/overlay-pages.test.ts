import test from "ava";
import { provide } from "../dsl/core/binding.ts";
import { array, make } from "../dsl/core/layout.ts";
import { Domain, DomainState, StopReason } from "./domain.ts";
import { overlayPages } from "./overlay-pages.ts";
import { addExtent, addSlot, readGuest, resolve, SlotKind } from "./slots.ts";
import { virtualization, type Virtualization } from "./virtualization.ts";

const mib = 1n << 20n;

/** A domain of 64 MiB with two overlay pages, on wires 5 and 6; another domain owns the page of wire 9. */
function scene(ok = true) {
  const domains = make(array(Domain, 2));
  const remapped: bigint[] = [];
  provide(virtualization, {
    remapPage: (_domain, gpa) => {
      remapped.push(gpa);
      return ok;
    },
  } as Partial<Virtualization> as Virtualization);
  const pages = overlayPages(
    [
      { wire: 5, guest: 0 },
      { wire: 6, guest: 0 },
      { wire: 9, guest: 1 },
    ],
    domains,
  );
  for (const index of [0, 1]) {
    const domain = domains[index];
    domain.index = index;
    domain.state = DomainState.running;
    addExtent(domain.slots, index, 0x4000_0000n * BigInt(index + 4), 64n * mib);
    addSlot(domain.slots, SlotKind.ram, 0, 0n, 64n * mib, 0n);
    pages.addTo(domain);
  }
  return { pages, domain: domains[0], other: domains[1], remapped };
}

test("a page that lies nowhere changes nothing of the memory", (t) => {
  const { domain } = scene();
  t.like(resolve(domain.slots, 0n), { bytes: 64n * mib, kind: SlotKind.ram });
});

test("a page that is laid over memory is found there, with what was written to it", (t) => {
  const { pages, domain, remapped } = scene();
  pages.write(5, 16, 0x1122n);
  pages.place(5, 0x7000n);
  t.deepEqual(remapped, [0x7000n]);
  t.deepEqual(readGuest(domain.slots, 0x7010n, 8), { ok: true, value: 0x1122n });
  t.is(resolve(domain.slots, 0x7000n).kind, SlotKind.overlay);
  t.is(resolve(domain.slots, 0x8000n).kind, SlotKind.ram);
});

test("a page that moves or goes leaves the memory in one piece", (t) => {
  const { pages, domain, remapped } = scene();
  pages.place(5, 0x7000n);
  pages.place(5, 0x9000n);
  t.deepEqual(remapped, [0x7000n, 0x7000n, 0x9000n]);
  t.is(resolve(domain.slots, 0x7000n).kind, SlotKind.ram);
  pages.remove(5);
  pages.remove(5);
  t.is(remapped.length, 4);
  t.like(resolve(domain.slots, 0n), { bytes: 64n * mib, kind: SlotKind.ram });
});

test("of two pages at one place the later declared is seen, until it goes", (t) => {
  const { pages, domain } = scene();
  pages.write(5, 0, 5n);
  pages.write(6, 0, 6n);
  pages.place(6, 0x7000n);
  pages.place(5, 0x7000n);
  t.is(readGuest(domain.slots, 0x7000n, 8).value, 6n);
  pages.remove(6);
  t.is(readGuest(domain.slots, 0x7000n, 8).value, 5n);
});

test("a page belongs to its guest alone", (t) => {
  const { pages, domain, other } = scene();
  pages.place(9, 0x7000n);
  t.is(resolve(domain.slots, 0x7000n).kind, SlotKind.ram);
  t.is(resolve(other.slots, 0x7000n).kind, SlotKind.overlay);
});

test("a guest whose page cannot be mapped is stopped", (t) => {
  const { pages, domain, other } = scene(false);
  pages.place(5, 0x7000n);
  t.is(domain.state, DomainState.crashed);
  t.is(domain.reason, StopReason.memoryAccess);
  t.is(domain.stopDetail, 0x7000n);
  t.is(other.state, DomainState.running);
});
