/**
 * A disk read from its beginning to its end, past the cache: Typevisor's virtio-blk with a disk of memory, and QEMU's own
 * with one of zeros, which waits for no medium and gives the same bytes.
 */
import { dataFlow, type DataFlow } from "./data-flow.ts";
import type { Measurement, PeerColumn } from "./figure.ts";

/** The size of the image's disk, and of a request; the queue's is Typevisor's. */
const diskKiB = 4096;
const requestKiB = 32;
const queueSize = 16;

const flow: DataFlow = {
  name: "disk",
  what: "reading a disk",
  image: "ci/boot/images/disk-read-linux.ts",
  initramfs: "disk-read-initramfs.gz",
  modules: ["virtio_blk"],
  before: ["until [ -b /dev/vda ]; do sleep 1; done"],
  counted: `dd if=/dev/vda of=/dev/null bs=${requestKiB}k iflag=direct 2>/tmp/records`,
  after: ["cat /tmp/records"],
  whole: new RegExp(`^${diskKiB / requestKiB}\\+0 records in\n`, "m"),
  unit: { name: "block", what: "a block of 4 KiB", count: diskKiB / 4 },
  bare: [
    ...["-blockdev", `driver=null-co,node-name=zeros,size=${diskKiB * 1024},read-zeroes=on`],
    "-device",
    `virtio-blk-pci,drive=zeros,disable-legacy=on,ioeventfd=off,num-queues=1,queue-size=${queueSize}`,
  ],
};

/** Measures the reading. */
export function disk(against: readonly PeerColumn[]): Measurement {
  return dataFlow(flow, against);
}
