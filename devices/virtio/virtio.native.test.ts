import test from "ava";
import { makeTwin } from "../../compiler/lang/testing/twin.ts";
import { driveAtRandom } from "../../dsl/testing/random-twin.ts";
import { blk } from "../testing/virtio-blk.ts";
import { blkVolume } from "../testing/virtio-blk-volume.ts";
import { pipedPorts } from "../testing/virtio-console.ts";
import { rng } from "../testing/virtio-rng.ts";
import { net } from "../testing/virtio-net.ts";
import { vsock } from "../testing/virtio-vsock.ts";
import { feature } from "./testing/driver.ts";
import { driveRings } from "./testing/random-rings.ts";

const seed = Number(process.env["TYPEVISOR_SEED"] ?? 1044);
const transport = feature.version1 | feature.indirect | feature.eventIndex;

test("virtio-rng does natively what it does in Node, whatever rings it is given", async (t) => {
  t.log(`seed ${seed}`);
  const twin = await makeTwin("devices/testing/virtio-rng.ts");
  const { difference, completed, failed } = driveRings(twin, {
    seed,
    steps: 400,
    queues: 1,
    size: 8,
    features: transport,
  });
  t.is(difference, undefined);
  t.true(completed > 30, `${completed} chains given back`);
  t.true(failed > 15, `${failed} rings refused`);
  t.is(driveAtRandom(twin, rng as never, { seed, steps: 500 }), undefined);
});

test("virtio-blk does natively what it does in Node, whatever it is asked", async (t) => {
  t.log(`seed ${seed}`);
  const twin = await makeTwin("devices/testing/virtio-blk.ts");
  const { difference, completed, failed } = driveRings(twin, {
    seed,
    steps: 400,
    queues: 1,
    size: 16,
    features: transport | (1n << 1n) | (1n << 2n) | (1n << 9n) | (1n << 13n),
    request(random, put) {
      put(0, 4, [0, 0, 0, 1, 1, 1, 4, 8, 11, 13][random(10)]!);
      put(8, 4, random(12) === 0 ? random(2 ** 32) : random(18));
      put(12, 4, random(16) === 0 ? 1 : 0);
    },
  });
  t.is(difference, undefined);
  t.true(completed > 30, `${completed} requests answered`);
  t.true(failed > 15, `${failed} rings refused`);
  t.is(driveAtRandom(twin, blk as never, { seed, steps: 500 }), undefined);
});

test("virtio-console does natively what it does in Node, whatever it is told and given", async (t) => {
  t.log(`seed ${seed}`);
  const twin = await makeTwin("devices/testing/virtio-console.ts");
  const { difference, completed, failed } = driveRings(twin, {
    seed,
    steps: 500,
    queues: 6,
    size: 16,
    features: transport | 7n,
    request(random, put) {
      put(0, 4, random(16) === 0 ? random(2 ** 32) : random(3));
      put(4, 2, [0, 3, 6, 6, random(9)][random(5)]!);
      put(6, 2, random(4) === 0 ? 0 : 1);
    },
  });
  t.is(difference, undefined);
  t.true(completed > 30, `${completed} chains given back`);
  t.true(failed > 15, `${failed} rings refused`);
  t.is(driveAtRandom(twin, pipedPorts as never, { seed, steps: 500 }), undefined);
});

test("virtio-net does natively what it does in Node, whatever frames and buffers it is given", async (t) => {
  t.log(`seed ${seed}`);
  const twin = await makeTwin("devices/testing/virtio-net.ts");
  const { difference, completed, failed } = driveRings(twin, {
    seed,
    steps: 800,
    queues: 2,
    size: 32,
    features: transport | (1n << 15n),
    filled: [0],
    pins: 1,
  });
  t.is(difference, undefined);
  t.true(completed > 30, `${completed} chains given back`);
  t.true(failed > 15, `${failed} rings refused`);
  t.is(driveAtRandom(twin, net as never, { seed, steps: 500 }), undefined);
});

test("virtio-blk on a volume does natively what it does in Node, whatever it is asked and however it ends", async (t) => {
  t.log(`seed ${seed}`);
  const twin = await makeTwin("devices/testing/virtio-blk-volume.ts");
  const end = blkVolume.wires.find((w) => w.name === "done")!.ordinal;
  const { difference, completed, failed } = driveRings(twin, {
    seed,
    steps: 800,
    queues: 1,
    size: 16,
    features: transport | (1n << 1n) | (1n << 2n) | (1n << 9n) | (1n << 13n),
    request(random, put) {
      put(0, 4, [0, 0, 0, 1, 1, 1, 4, 8, 11, 13][random(10)]!);
      put(8, 4, random(12) === 0 ? random(2 ** 32) : random(18));
      put(12, 4, random(16) === 0 ? 1 : 0);
    },
    // What is under way ends in any order, and with anything.
    afterwards(random) {
      for (let slot = 7; slot >= 0; slot--)
        if (random(2) === 0) twin.call("receive", end, slot + (random(4) === 0 ? 8 * random(32) : 0));
    },
  });
  t.is(difference, undefined);
  t.true(completed > 30, `${completed} requests answered`);
  t.true(failed > 15, `${failed} rings refused`);
  t.is(driveAtRandom(twin, blkVolume as never, { seed, steps: 500 }), undefined);
});

test("virtio-vsock does natively what it does in Node, whatever packets and buffers it is given", async (t) => {
  t.log(`seed ${seed}`);
  const twin = await makeTwin("devices/testing/virtio-vsock.ts");
  const { difference, completed, failed } = driveRings(twin, {
    seed,
    steps: 1000,
    queues: 3,
    size: 32,
    features: transport | 1n,
    filled: [0],
    pins: 1,
    requestBytes: 44,
    request(random, put) {
      put(0, 8, random(16) === 0 ? random(2 ** 32) : 3);
      put(8, 8, random(16) === 0 ? random(2 ** 32) : 2 + random(4));
      put(24, 4, random(16) === 0 ? random(2 ** 32) : random(400));
      put(28, 2, random(8) === 0 ? random(3) : 1);
      put(30, 2, random(8));
    },
  });
  t.is(difference, undefined);
  t.true(completed > 30, `${completed} chains given back`);
  t.true(failed > 15, `${failed} rings refused`);
  t.is(driveAtRandom(twin, vsock as never, { seed, steps: 500 }), undefined);
});
