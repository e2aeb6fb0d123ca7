import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import test from "ava";
import { make } from "../dsl/core/layout.ts";
import type { Manifest } from "../dsl/image.ts";
import type { ImageModel } from "../dsl/manifest/model.ts";
import { BootInfo, RegionKind } from "./boot.ts";
import { Domain } from "./domain.ts";
import { availableBytes, giveMemory, takeRun } from "./host-memory.ts";
import {
  addExtent,
  addSlot,
  isWritable,
  maxExtents,
  maxSlots,
  resolve,
  sharedOwner,
  SlotKind,
} from "./slots.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["images", "ci/boot/images"];
const files = folders.flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => join(folder, name)),
);
const mib = 2n ** 20n;
const large = 2n * mib;

let state = 0x9e37_79b9;
function random(below: number): bigint {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return BigInt(Math.floor((state / 2 ** 32) * below));
}

/** A machine's memory in pieces of any size, between them what is not usable. */
function machineOf(bytes: bigint): BootInfo {
  const boot = make(BootInfo);
  let base = mib;
  let left = bytes + bytes / 2n + 64n * mib;
  for (let i = 0; i < 40 && left > 0n; i++) {
    const size = i === 39 ? left : (left / 8n + random(4 * 2 ** 20)) & ~0xfffn;
    const region = boot.regions[i]!;
    region.base = base;
    region.bytes = size;
    region.kind = i % 3 === 2 ? RegionKind.reserved : RegionKind.usable;
    base += size + (i % 2 === 0 ? 0n : 0x3000n);
    left -= i % 3 === 2 ? 0n : size;
    boot.regionCount = i + 1;
  }
  return boot;
}

/** Stretches of host memory that a domain's slots lead to. */
function reachable(
  domain: Domain,
): { readonly base: bigint; readonly end: bigint; readonly shared: boolean }[] {
  const found: { base: bigint; end: bigint; shared: boolean }[] = [];
  for (let i = 0; i < Math.min(domain.slots.slotCount, maxSlots); i++) {
    const slot = domain.slots.slots[i]!;
    for (let done = 0n; done < slot.bytes;) {
      const place = resolve(domain.slots, slot.gpa + done);
      if (place.bytes === 0n) throw new Error(`nothing lies behind slot ${i}`);
      const bytes = place.bytes < slot.bytes - done ? place.bytes : slot.bytes - done;
      if (isWritable(place.kind))
        found.push({ base: place.hpa, end: place.hpa + bytes, shared: place.kind === SlotKind.shared });
      done += bytes;
    }
  }
  return found;
}

/** Builds the guests of an image as the kernel does. */
function build(model: ImageModel): {
  readonly domains: readonly Domain[];
  readonly run: bigint;
  readonly shared: bigint;
} {
  const sizes = model.sharedMemories.map(({ sizeBytes }) => BigInt(sizeBytes));
  const shared = (sizes.reduce((sum, size) => sum + size, 0n) + large - 1n) & ~(large - 1n);
  const total = model.guests.reduce((sum, g) => sum + BigInt(g.memoryBytes), shared);
  const boot = machineOf(total);
  if (availableBytes(boot) < total) throw new Error("the machine is too small for the test");
  const run = shared === 0n ? 0n : takeRun(boot, shared);
  const domains = model.guests.map((g) => {
    const domain = make(Domain);
    domain.index = g.index;
    if (!giveMemory(domain, boot, BigInt(g.memoryBytes))) throw new Error("a guest gets no memory");
    for (const s of g.slots)
      addSlot(
        domain.slots,
        s.kind === "rom" ? SlotKind.rom : SlotKind.ram,
        0,
        BigInt(s.gpa),
        BigInt(s.sizeBytes),
        BigInt(s.ramOffset),
      );
    let offset = 0n;
    for (const memory of model.sharedMemories) {
      for (const peer of memory.peers) {
        if (peer.guest !== g.index) continue;
        const at = domain.slots.backedBytes;
        addExtent(domain.slots, sharedOwner, run + offset, BigInt(memory.sizeBytes));
        addSlot(domain.slots, SlotKind.shared, 0, BigInt(peer.window.gpa), BigInt(memory.sizeBytes), at);
      }
      offset += BigInt(memory.sizeBytes);
    }
    return domain;
  });
  return { domains, run, shared };
}

for (const file of files) {
  test(`no page that one guest of ${file} may write is another's, but in declared shared memory`, async (t) => {
    const { model } = ((await import(pathToFileURL(join(root, file)).href)) as { readonly default: Manifest })
      .default;
    for (let round = 0; round < 8; round++) {
      const { domains, run, shared } = build(model);
      const own = domains.flatMap((domain) => reachable(domain).filter((piece) => !piece.shared));
      own.sort((a, b) => (a.base < b.base ? -1 : 1));
      own.forEach((piece, i) => {
        const next = own[i + 1];
        if (next !== undefined && next.base < piece.end) t.fail(`0x${next.base.toString(16)} is there twice`);
        if (piece.base < run + shared && run < piece.end)
          t.fail("a guest's own memory lies in what guests share");
      });
      for (const domain of domains)
        for (const piece of reachable(domain).filter((p) => p.shared))
          t.true(
            piece.base >= run && piece.end <= run + shared,
            "what is shared lies in the declared memory",
          );
      t.true(domains.every((d) => d.slots.extentCount <= maxExtents));
    }
  });
}
