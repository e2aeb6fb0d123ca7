/**
 * Loads a kernel as its own headers say, and starts it by Xen's PVH entry point (Xen, docs/misc/pvh.pandoc) or as a
 * multiboot kernel (Multiboot Specification 0.6.96, §3.2; Multiboot2 Specification 2.0, §3.3). Nothing in a payload is trusted: it may have been exchanged
 * on the EFI system partition since the build has looked at it.
 */
import { u64 } from "../../../dsl/core/int.ts";
import { load16, load32, load64 } from "../../../dsl/core/intrinsics.ts";
import { struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { ExecutableLoaderModel, GuestModel } from "../../../dsl/manifest/model.ts";
import { executableReader } from "../../../dsl/payload/executable.ts";
import { KernelFault } from "../../../dsl/payload/fault.ts";
import { BootProblem, type BootInfo } from "../../../kernel/boot.ts";
import { copyToGuest, writeGuest, type SlotTable } from "../../../kernel/slots.ts";
import type { Loaded } from "../../../kernel/virtualization.ts";
import { checkIndices, highPlace, loaded, placedBytes, type GuestLoader } from "./loader.ts";

/** How a kind of kernel is told of a module: two fields at the start of its entry, of this many bytes each. */
const protocols = Object.freeze({
  pvh: Object.freeze({ fieldBytes: 8, fieldsAreRange: false, magic: null, taskState: true }),
  multiboot: Object.freeze({
    fieldBytes: 4,
    // Start and end; otherwise start and size.
    fieldsAreRange: true,
    magic: 0x2bad_b002n,
    taskState: false,
  }),
  multiboot2: Object.freeze({
    fieldBytes: 4,
    fieldsAreRange: true,
    magic: 0x36d7_6289n,
    taskState: false,
  }),
});
const eax = 0;
const ebx = 3;

/** Builds the loader of a guest from its model. */
export function executableLoader(model: GuestModel, loader: ExecutableLoaderModel): GuestLoader {
  const { fieldBytes, fieldsAreRange, magic, taskState } = protocols[loader.kind];
  const kernelIndex = loader.kernelPayload;
  const modulePayloads = Object.freeze(loader.modules.map((m) => m.payload));
  const moduleEntries = Object.freeze(loader.modules.map((m) => m.entryGpa));
  const moduleCount = modulePayloads.length;
  checkIndices(kernelIndex, ...modulePayloads);
  const limit = BigInt(loader.loadLimitGpa);
  const loadBaseGpa = loader.loadBaseGpa === null ? null : BigInt(loader.loadBaseGpa);
  const rooms = Object.freeze(
    loader.rooms.map(({ gpa, sizeBytes }) =>
      Object.freeze({ start: BigInt(gpa), end: BigInt(gpa + sizeBytes) }),
    ),
  );
  const reader = executableReader(loader.kind, { load16, load32, load64 }, rooms);
  const putPlaced = placedBytes(model, loader);
  const state = storage(`${model.name}.executable`, struct("ExecutableState", { entry: u64 }));
  const registers = [{ index: ebx, value: BigInt(loader.startInfoGpa) }];
  if (magic !== null) registers.push({ index: eax, value: magic });

  const check = (boot: BootInfo): Loaded => {
    const kernel = boot.payloads[kernelIndex];
    if (kernel.bytes === 0n) return { problem: BootProblem.payloadMissing, detail: BigInt(kernelIndex) };
    const layout = reader.layout(kernel.address, kernel.bytes);
    const found = reader.check(kernel.address, kernel.bytes, layout);
    if (found.fault !== KernelFault.none)
      return { problem: BootProblem.payloadNotBootable, detail: BigInt(kernelIndex) };
    let top: u64 = limit;
    for (let i = 0; i < moduleCount; i++) {
      const index = modulePayloads[i];
      const module = boot.payloads[index];
      if (module.bytes === 0n) return { problem: BootProblem.payloadMissing, detail: BigInt(index) };
      top = highPlace(top, module.bytes, found.end);
      if (top === 0n) return { problem: BootProblem.noMemory, detail: module.bytes };
    }
    return loaded();
  };

  return Object.freeze({
    start: Object.freeze({
      gdtGpa: BigInt(loader.gdtGpa),
      registers: Object.freeze(registers.map((r) => Object.freeze(r))),
      taskState,
    }),
    check,
    load(slots: SlotTable, boot: BootInfo): Loaded {
      const checked = check(boot);
      if (checked.problem !== BootProblem.none) return checked;
      const missing: Loaded = { problem: BootProblem.noMemory, detail: 0n };
      if (!putPlaced(slots)) return missing;
      const kernel = boot.payloads[kernelIndex];
      const base = kernel.address;
      const layout = reader.layout(base, kernel.bytes);
      for (let i = 0; i < layout.count; i++) {
        const p = reader.piece(base, kernel.bytes, layout, i);
        // What the file does not fill is zero already.
        if (!copyToGuest(slots, p.gpa, u64(base + p.offset), p.fileBytes)) return missing;
      }
      const found = reader.check(base, kernel.bytes, layout);
      let top: u64 = limit;
      for (let i = 0; i < moduleCount; i++) {
        const module = boot.payloads[modulePayloads[i]];
        top = highPlace(top, module.bytes, found.end);
        const second = fieldsAreRange ? u64(top + module.bytes) : module.bytes;
        const entry = u64(BigInt(moduleEntries[i]));
        if (!copyToGuest(slots, top, module.address, module.bytes)) return missing;
        if (!writeGuest(slots, entry, fieldBytes, top)) return missing;
        if (!writeGuest(slots, u64(entry + BigInt(fieldBytes)), fieldBytes, second)) return missing;
      }
      if (loadBaseGpa !== null && !writeGuest(slots, loadBaseGpa, 4, found.start)) return missing;
      state.entry = found.entry;
      return loaded();
    },
    entry(): u64 {
      return state.entry;
    },
  });
}
