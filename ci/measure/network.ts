/**
 * A file sent by TCP from one card of a guest to its other, on one network: Typevisor's virtio-net with its switch between
 * them, and QEMU's own with its hub. The second card is in a network namespace of its own, so that nothing is short-cut.
 */
import { dataFlow, type DataFlow } from "./data-flow.ts";
import type { Measurement, PeerColumn } from "./figure.ts";

const sentBytes = 1_000_000;
/** Of a frame of 1,500 bytes: without the headers of IP and TCP, and the latter's time stamps (RFC 7323 §3). */
const segmentBytes = 1448;

/** Off is what Typevisor's card has not either. A timer of the guest's time sends, a nanosecond after it is told. */
const card = [
  "virtio-net-pci,disable-legacy=on,ioeventfd=off,tx=timer,x-txtimer=1",
  ...["csum", "guest_csum", "gso", "host_tso4", "host_tso6", "host_ecn", "host_ufo"].map((f) => `${f}=off`),
  ...["guest_tso4", "guest_tso6", "guest_ecn", "guest_ufo"].map((f) => `${f}=off`),
].join(",");

const flow: DataFlow = {
  name: "network",
  what: "sending a file from one network card to another",
  image: "ci/boot/images/network-linux.ts",
  initramfs: "network-initramfs.gz",
  modules: ["failover", "net_failover", "virtio_net"],
  before: [
    `head -c ${sentBytes} /dev/zero >/tmp/sent`,
    "unshare -n sleep 100000 & away=$!",
    "until ip link set eth1 netns $away && ! ip link show eth1 >/dev/null 2>&1; do sleep 1; done",
    "nsenter -t $away -n sh -c 'ip addr add 10.0.0.2/24 dev eth1; ip link set eth1 up; httpd -h /tmp'",
    "ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up",
    "until ping -c 1 10.0.0.2 >/dev/null; do sleep 1; done",
  ],
  counted: "wget -q -O - http://10.0.0.2/sent >/dev/null && arrived=whole",
  after: ["echo sent: $arrived"],
  whole: /^sent: whole\n/m,
  unit: { name: "frame", what: "a frame of 1,500 bytes", count: Math.ceil(sentBytes / segmentBytes) },
  bare: [1, 2].flatMap((n) => [
    ...["-netdev", `hubport,id=port${n},hubid=0`],
    ...["-device", `${card},netdev=port${n},mac=52:54:00:00:00:0${n}`],
  ]),
};

/** Measures the transfer. */
export function network(against: readonly PeerColumn[]): Measurement {
  return dataFlow(flow, against);
}
