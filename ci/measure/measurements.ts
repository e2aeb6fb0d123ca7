/** Everything that `npm run bench` measures, in order. A new figure is one more entry. */
import { bareBoot } from "./bare-boot.ts";
import { bootRatio } from "./boot-ratio.ts";
import { buildTime } from "./build-time.ts";
import { disk } from "./disk.ts";
import { editToBoot } from "./edit-boot.ts";
import { editTime } from "./edit-time.ts";
import type { Measurement, PeerColumn } from "./figure.ts";
import { guestSizes } from "./guests.ts";
import { interrupts } from "./ipi.ts";
import { handlers } from "./handlers.ts";
import { lines } from "./lines.ts";
import { network } from "./network.ts";
import { operationCosts } from "./operation-costs.ts";
import { bare } from "./peers/bare.ts";
import { bochs } from "./peers/bochs.ts";
import { kvm } from "./peers/kvm.ts";
import { typevisor } from "./peers/typevisor.ts";
import { xen } from "./peers/xen.ts";
import { kvmMemory, peerMemory, xenMemory } from "./peer-memory.ts";
import { restart } from "./restart.ts";
import { scaling } from "./scaling.ts";
import { schedulerDecisions } from "./scheduler.ts";
import { switchCost, weightedShares } from "./sharing.ts";
import { soak } from "./soak.ts";
import { startInstructions } from "./start-instructions.ts";
import { throughput } from "./throughput.ts";
import { traceCost } from "./trace-cost.ts";

const peers = { kvm, xen, bare, bochs } as const;

/** The measurements, with Typevisor held against some peers. */
export function measurements(against: readonly PeerColumn[]): readonly Measurement[] {
  return [
    buildTime("images/hello-linux.ts"),
    editTime(),
    editToBoot(),
    ...[typevisor, ...against.map((column) => peers[column])].map(operationCosts),
    ...(against.includes("kvm") ? [peerMemory(kvm, kvmMemory)] : []),
    ...(against.includes("xen") ? [peerMemory(xen, xenMemory)] : []),
    handlers,
    lines,
    scaling,
    guestSizes,
    schedulerDecisions,
    switchCost,
    weightedShares,
    throughput,
    interrupts,
    restart,
    soak,
    startInstructions("images/hello-linux.ts"),
    traceCost(),
    bootRatio(against),
    disk(against),
    network(against),
    ...(against.includes("bare") ? [bareBoot("amd64", "vmlinuz-amd64")] : []),
  ];
}
