import test, { type ExecutionContext } from "ava";
import { ManifestError, placeOf, type ManifestCode } from "./error.ts";
import {
  checkSchedule,
  defaultCapacity,
  resolveScheduling,
  resolveSchedules,
  type ScheduleOptions,
} from "./schedule.ts";

const place = placeOf("test");
const guest = (name: string, schedule: ScheduleOptions = {}, vcpus = 1) => ({ name, vcpus, schedule, place });
const ns = (n: number): never => n as never;
const millisecond = 1_000_000;
const scheduling = resolveScheduling({}, place);

function refuses(t: ExecutionContext, code: ManifestCode, said: string, declare: () => unknown): void {
  const error = t.throws(declare, { instanceOf: ManifestError });
  t.is(error.code, code);
  t.true(error.message.includes(said), error.message);
}

test("without a word guests have the same weight, no cap, and every CPU that there is work for", (t) => {
  const guests = [guest("a"), guest("b", {}, 2)];
  t.is(defaultCapacity(guests), 3);
  t.is(defaultCapacity([guest("a", {}, 32), guest("b", {}, 32), guest("c", {}, 32)]), 64);
  const [a, b] = resolveSchedules(guests, 3, scheduling);
  t.deepEqual(a, {
    weight: 256,
    capPercent: null,
    realtime: null,
    places: [{ cpus: [0, 1, 2], prefer: [], exclusive: false }],
  });
  t.is(b.places.length, 2);
});

test("a pinned vCPU has its CPU alone, and all others run elsewhere", (t) => {
  const guests = [guest("a", { pin: [3, 1] }, 2), guest("b", { weight: 1, cap: 50, prefer: [2] })];
  t.is(defaultCapacity(guests), 4);
  const [a, b] = resolveSchedules(guests, 4, scheduling);
  t.deepEqual(
    a.places.map((p) => [p.cpus, p.exclusive]),
    [
      [[3], true],
      [[1], true],
    ],
  );
  t.deepEqual(b.places, [{ cpus: [0, 2], prefer: [2], exclusive: false }]);
  t.deepEqual([b.weight, b.capPercent], [1, 50]);
});

test("a cap of all that a guest could use is none", (t) => {
  t.is(resolveSchedules([guest("a", { cap: 200 }, 2)], 2, scheduling)[0].capPercent, null);
});

test("real-time vCPUs are spread over the CPUs of which least is promised", (t) => {
  const realtime = { budget: ns(4 * millisecond), period: ns(10 * millisecond) };
  const guests = [guest("a", { realtime }, 2), guest("b", { realtime }, 2)];
  const cpus = resolveSchedules(guests, 2, scheduling).flatMap((s) => s.places.map((p) => p.cpus[0]));
  t.deepEqual(cpus, [0, 1, 0, 1]);
  refuses(t, "TV5151", "CPU 0 to 120.0 %", () =>
    resolveSchedules([...guests, guest("c", { realtime })], 2, scheduling),
  );
  const all = resolveScheduling({ realtimeLimit: 100 }, place);
  const whole = { budget: ns(10 * millisecond), period: ns(10 * millisecond) };
  t.notThrows(() => resolveSchedules([guest("a", { realtime: whole })], 1, all));
});

test("CPUs that a guest cannot have are refused", (t) => {
  const pinned = guest("a", { pin: [1] });
  const resolve = (...guests: ReturnType<typeof guest>[]) => resolveSchedules(guests, 2, scheduling);
  refuses(t, "TV5150", "cpuCapacity is 2", () => resolve(guest("a", { cpus: [2] })));
  refuses(t, "TV5150", 'which guest "a" has for itself', () => resolve(pinned, guest("b", { cpus: [0, 1] })));
  refuses(t, "TV5150", 'which guest "a" has for itself', () => resolve(pinned, guest("b", { pin: [1] })));
  refuses(t, "TV5150", "there is none", () => resolve(guest("a", { pin: [0, 1] }, 2), guest("b")));
  refuses(t, "TV5150", "none of its CPUs", () => resolve(guest("a", { cpus: [0], prefer: [1] })));
});

test("numbers that no schedule has are refused", (t) => {
  const check = (schedule: ScheduleOptions, vcpus = 1) => checkSchedule("a", vcpus, schedule, place);
  const realtime = { budget: ns(millisecond), period: ns(10 * millisecond) };
  for (const [said, schedule] of [
    ["weight", { weight: 0 }],
    ["weight", { weight: 65_536 }],
    ["cap", { cap: 101 }],
    ["cpus", { cpus: [64] }],
    ["names no CPU", { prefer: [] }],
    ["beside pin", { pin: [0], cpus: [0] }],
    ["beside realtime", { realtime, weight: 2 }],
    ["budget", { realtime: { ...realtime, budget: ns(11 * millisecond) } }],
    ["microseconds", { realtime: { ...realtime, budget: ns(millisecond + 1) } }],
  ] as const)
    refuses(t, "TV5121", said, () => check(schedule));
  refuses(t, "TV5121", "names 1 CPUs", () => check({ pin: [0, 0] }, 2));
  refuses(t, "TV5121", "scheduling.latency", () =>
    resolveScheduling({ slice: ns(millisecond), latency: ns(2 * millisecond) }, place),
  );
});
