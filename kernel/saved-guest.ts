/** What a guest is, but for its declaration: the parts that a save keeps, from clock to devices. */
import type { FixedArray } from "../dsl/core/layout.ts";
import type { GuestModel } from "../dsl/manifest/model.ts";
import type { PlacedInstance } from "./board.ts";
import type { Domain } from "./domain.ts";
import { savedPart, type SavedPart } from "./saved-part.ts";
import type { SavedGuest } from "./saves.ts";
import { virtualization } from "./virtualization.ts";

/** The parts of a guest, and `more` of it that others hold. Build time. */
export function savedGuest(
  { index, name, memoryBytes }: GuestModel,
  domains: FixedArray<Domain>,
  instances: readonly PlacedInstance[],
  more: readonly SavedPart[],
): SavedGuest {
  const { time, slots } = domains[index]!;
  return Object.freeze({
    index,
    name,
    memoryBytes: BigInt(memoryBytes),
    parts: Object.freeze([
      savedPart("time", time),
      savedPart("slots", slots, { before: "extentCount" }),
      savedPart("slots", slots, { from: "slots", before: "extents" }),
      ...virtualization.savedParts(index),
      ...instances.filter((p) => p.guest === index).map((p) => savedPart(p.instance.name, p.state)),
      ...more,
    ]),
  });
}
