/**
 * virtio-net (virtio 1.2 §5.1) at a port of a network: one pair of queues, mergeable buffers, no offloads. What the
 * driver sends is copied once; what comes waits at the port until the driver has buffers for it.
 */
import {
  bank,
  bit,
  bits,
  constant,
  device,
  guestBuffer,
  inputs,
  misuse,
  port,
  readOnly,
  ro,
  u16,
  u32,
  u8,
  type StateOf,
} from "../../dsl/device/vocabulary.ts";
import { mostFrameBytes } from "../../dsl/device/port.ts";
import { deviceStatus, virtio } from "./transport.ts";
import { postpone, wait } from "./turns.ts";

/** Queues (§5.1.2). */
const queue = Object.freeze({ receive: 0, transmit: 1 } as const);
const queueSize = 64;
/** Frames that one notification or arrival is answered with, in each direction. */
const framesAtOnce = 4;
/** Buffers of the driver that one frame may be spread over. */
const mostBuffers = 4;
/** A header (§5.1.6): zero without offloads, and how many buffers the frame takes in its last two bytes. */
const headerBytes = 12;
const countAt = 10;

/** Feature bits (§5.1.3). */
const features = Object.freeze({ mtu: 1n << 3n, mac: 1n << 5n, mergeable: 1n << 15n, status: 1n << 16n });
const mergeableBit = Number(features.mergeable);
/** Payload of a frame without tag (IEEE 802.3 §3.2.7). */
const mtu = 1500;

/** Makes the device, whose base address 0 lies at `gpa` at first. */
export function virtioNetDevice(gpa: number) {
  const parts = virtio({
    kind: 1,
    classCode: 0x02_0000,
    queues: 2,
    queueSize,
    features: Object.values(features).reduce((all, bit) => all | bit, 0n),
    configurationBytes: 12,
    gpa,
  });
  const shape = device("virtio-net", {
    title: "virtio network device",
    about:
      "A network card at a port of a switch between guests: one pair of queues, mergeable buffers, no offloads. Frames have 14 to 1,514 bytes, 1,518 with a tag. A frame that is none, or bears another's address, is counted and goes nowhere.",
    manuals: ["Virtual I/O Device (VIRTIO) 1.2 §4.1 and §5.1"],
    banks: {
      ...parts.banks,
      deviceConfiguration: bank(
        u32,
        {
          addressLow: ro(
            0,
            { bytes: readOnly(bits(31, 0)) },
            { about: "The first four bytes of the address." },
          ),
          addressHigh: ro(4, {
            bytes: readOnly(bits(15, 0, "The last two bytes of the address.")),
            link: constant(bit(16, "The link is up."), 1),
          }),
          limits: ro(8, {
            queuePairs: constant(bits(15, 0), 1),
            mtu: constant(bits(31, 16, "Bytes of the largest payload."), mtu),
          }),
        },
        parts.configured,
      ),
    },
    state: {
      ...parts.state,
      lan: port(),
      arrival: inputs(1),
      header: guestBuffer(headerBytes),
      validFrame: misuse(),
    },
  });
  type Net = StateOf<typeof shape>;

  /** Sends the chain that was taken; false where it does not lie in memory. */
  const sendChain = (u: Net): boolean => {
    const chain = u.queues[queue.transmit];
    const bytes = u32(chain.readable - Math.min(chain.readable, headerBytes));
    if (bytes === 0 || bytes > mostFrameBytes || chain.writable !== 0) {
      u.validFrame.note();
      return true;
    }
    if (!chain.load(u.lan, headerBytes, bytes)) return false;
    if (!u.lan.send(u16(bytes))) u.validFrame.note();
    return true;
  };
  const transmit = (u: Net): void => {
    for (let i = 0; i < framesAtOnce; i += 1) {
      const delay = u.lan.delayNs;
      if (delay !== 0n) {
        wait(u, queue.transmit, delay);
        break;
      }
      if (!parts.next(u, queue.transmit)) break;
      if (!sendChain(u)) {
        parts.fail(u);
        break;
      }
      parts.complete(u, queue.transmit, 0);
      if (i + 1 === framesAtOnce) postpone(u, queue.transmit);
    }
    parts.finish(u, queue.transmit);
  };

  /** Takes buffers until `bytes` fit: how many; 0 where the driver has not given enough yet. */
  const takeBuffers = (u: Net, bytes: u32): u8 => {
    const most = (u.driverFeature[0].value & mergeableBit) !== 0 ? mostBuffers : 1;
    let room: u32 = 0;
    for (let i = 0; i < mostBuffers; i += 1) {
      if (i < most) {
        if (!parts.next(u, queue.receive)) return 0;
        room = u32(room + Math.min(u.queues[queue.receive].writable, bytes));
        if (room >= bytes) return u8(i + 1);
      }
    }
    parts.fail(u);
    return 0;
  };
  /** Spreads the frame that waits over so many buffers; false where they are not what they were, or not in memory. */
  const spread = (u: Net, length: u16, buffers: u8): boolean => {
    const chain = u.queues[queue.receive];
    let done: u32 = 0;
    for (let i = 0; i < mostBuffers; i += 1) {
      if (i >= buffers) break;
      // One alone is taken already; several are taken a second time.
      if (buffers > 1 && !parts.next(u, queue.receive)) return false;
      const ahead = i === 0 ? headerBytes : 0;
      const room = chain.writable;
      if (room < ahead || (i === 0 && !chain.store(u.header, 0, headerBytes))) return false;
      const bytes = u32(Math.min(room - ahead, length - Math.min(done, length)));
      if (!chain.storeFrom(u.lan, done, ahead, bytes)) return false;
      done = u32(done + bytes);
      const written = u32(ahead + bytes);
      if (i + 1 < buffers) {
        if (!chain.fill(written)) return false;
      } else if (done === length) parts.complete(u, queue.receive, written);
    }
    return done === length;
  };
  /** Gives the driver the frame that waits; false where it waits on. */
  const receiveFrame = (u: Net, length: u16): boolean => {
    const chain = u.queues[queue.receive];
    const buffers = takeBuffers(u, u32(headerBytes + length));
    if (buffers !== 1) chain.putBack();
    if (buffers === 0) return false;
    u.header.bytes[countAt] = buffers;
    if (!spread(u, length, buffers)) {
      parts.fail(u);
      return false;
    }
    u.lan.drop();
    return true;
  };
  /** Gives the driver a few frames; whether more may follow at once. */
  const receive = (u: Net): boolean => {
    let all = true;
    for (let i = 0; i < framesAtOnce; i += 1) {
      const length = u.lan.waiting;
      if (length === 0 || !receiveFrame(u, length)) {
        all = false;
        break;
      }
    }
    parts.finish(u, queue.receive);
    return all;
  };

  const common = parts.behaviour((u: Net, index) => {
    if (index === queue.transmit) transmit(u);
    else if (receive(u)) postpone(u, queue.receive);
  });
  return shape.implement({
    ...common,
    peek: {
      ...common.peek,
      addressLow: { bytes: (u) => u32(u.lan.address) },
      addressHigh: { bytes: (u) => u16(u.lan.address >> 32n) },
    },
    written: {
      ...common.written,
      deviceStatus: (u, value, old) => {
        common.written.deviceStatus(u, value, old);
        // What came before the driver was ready is not for it.
        if ((old & deviceStatus.driverOk) === 0) u.lan.clear();
      },
    },
    input: {
      // The board pulses it again while frames wait and are taken.
      arrival: (u, _pin, level) => {
        if (level) receive(u);
      },
    },
  });
}
