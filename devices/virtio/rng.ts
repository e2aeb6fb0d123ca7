/** virtio-rng (virtio 1.2 §5.4): the driver's buffers are filled with the machine's random numbers. */
import { board, device, guestBuffer, u32, u8, type StateOf } from "../../dsl/device/vocabulary.ts";
import { virtio } from "./transport.ts";

/** Bytes of a buffer that are filled; the driver is told how many. */
const mostBytes = 64;
const mostNumbers = mostBytes / 8;
/** Buffers that one notification is answered with; the others follow as soon as the guest has gone on. */
const buffersAtOnce = 4;

/** Makes the device, whose base address 0 lies at `gpa` at first. */
export function virtioRngDevice(gpa: number) {
  const parts = virtio({ kind: 4, classCode: 0xff_0000, queues: 1, queueSize: 8, gpa });
  const shape = device("virtio-rng", {
    title: "virtio entropy device",
    about:
      "Fills the driver's buffers with random numbers of the processor (RDSEED, else RDRAND), at most 64 bytes each. Where the processor has none it asks for a reset.",
    manuals: ["Virtual I/O Device (VIRTIO) 1.2 §4.1 and §5.4"],
    banks: parts.banks,
    state: { ...parts.state, numbers: guestBuffer(mostBytes) },
  });
  type Rng = StateOf<typeof shape>;

  /** Fills the buffer; false where the machine has no random numbers. */
  const draw = (u: Rng): boolean => {
    for (let i = 0; i < mostNumbers; i += 1) {
      const { ok, value } = board.random();
      if (!ok) return false;
      for (let k = 0; k < 8; k += 1) u.numbers.bytes[i * 8 + k] = u8(value >> BigInt(8 * k));
    }
    return true;
  };
  const serve = parts.server({ queue: 0, atOnce: buffersAtOnce }, (u: Rng) => {
    const bytes = u32(Math.min(u.queues[0].writable, mostBytes));
    if (!draw(u) || !u.queues[0].store(u.numbers, 0, bytes)) return false;
    parts.complete(u, 0, bytes);
    return true;
  });
  return shape.implement(parts.behaviour(serve));
}
