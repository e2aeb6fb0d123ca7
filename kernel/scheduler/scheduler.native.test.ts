/** The scheduler's properties, on simulated machines; and the same choices in Node and natively. */
import test, { type ExecutionContext } from "ava";
import { samples, schedulers, type Sample } from "./testing/images.ts";
import { nativeSchedulers } from "./testing/native.ts";
import {
  busy,
  fairShares,
  randomFrom,
  simulate,
  type Behaviour,
  type Simulation,
  type SimulationOptions,
} from "./testing/simulator.ts";

const compiled = nativeSchedulers();
const [second, ms, us] = [1e9, 1e6, 1e3];
const slice = 2 * ms;
const latency = slice / 4;
const lateNs = 3 * us;
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

/** Runs a sample for some seconds, in which nothing may be wrong. */
async function simulated(
  t: ExecutionContext,
  name: Sample,
  seconds: number,
  options: Partial<SimulationOptions> = {},
): Promise<Simulation> {
  t.log(`SEED=${options.seed ?? seed}`);
  const sim = simulate((await compiled)(name), samples[name], { seed, lateNs, ...options });
  sim.run(seconds * second);
  t.deepEqual(sim.problems, []);
  return sim;
}

const ranOf = (sim: Simulation, guest: number): number =>
  sim.vcpus.filter((v) => v.guest === guest).reduce((sum, v) => sum + v.ranNs, 0);

for (const name of ["one", "weighted", "wide", "even", "three", "greedy", "seven", "many"] as const)
  test.serial(`shares are within 1 % over 10 s: ${name}, on ${samples[name].cpuCapacity} CPUs`, async (t) => {
    const image = samples[name];
    const sim = await simulated(t, name, 10);
    const shares = fairShares(
      image.guests.map((g) => g.schedule.weight),
      image.cpuCapacity,
    );
    for (const [guest, share] of shares.entries()) {
      const ran = ranOf(sim, guest);
      t.true(
        Math.abs(ran - share * 10 * second) <= 0.01 * share * 10 * second + slice,
        `guest ${guest} ran ${ran / second} s, and ${share * 10} s are its share`,
      );
    }
  });

test.serial("what the kernel does for a guest in another's turn is that guest's time", async (t) => {
  const s = (await compiled)("one");
  s.start(BigInt(second));
  s.online(0, 0n);
  for (const vcpu of [0, 1]) s.wake(vcpu, 0n, false);
  const ran = [0n, 0n];
  let now = 0n;
  while (now < 10n * BigInt(second)) {
    const chosen = s.choose(0, now);
    ran[chosen]! += 100_000n;
    now += 100_000n;
    if (chosen === 1) continue;
    s.charge(0, 1, now, now + 30_000n);
    now += 30_000n;
  }
  const share = Number(ran[0]) / Number(now);
  t.true(Math.abs(share - 0.25) <= 0.0025, `${share}`);
  t.is(s.ran(0), ran[0], "its account says what it ran");
});

test.serial("a guest that owes more than a few turns runs again after them", async (t) => {
  const s = (await compiled)("one");
  s.start(BigInt(second));
  s.online(0, 0n);
  s.wake(0, 0n, false);
  t.is(s.choose(0, 0n), 0);
  // Ten seconds for guest 1, which then starts.
  const start = 10n * BigInt(second);
  s.charge(0, 1, 0n, start);
  s.wake(1, start, false);
  let now = start;
  let waits = 0n;
  for (let i = 0; i < 1000; i++) {
    const chosen = s.choose(0, now);
    now += 100_000n;
    waits = chosen === 1 ? 0n : waits + 100_000n;
    t.true(waits <= BigInt(8 * slice), `${waits} ns`);
  }
});

test.serial("CPUs that have the same to do leave each other's vCPUs alone", async (t) => {
  const sim = await simulated(t, "even", 10);
  t.true(sim.vcpus.every((v) => v.moves <= 2));
});

const rare: Behaviour = { computeNs: 100 * us, waitNs: 4 * ms };
const bursts: Behaviour = { computeNs: 3 * ms, waitNs: 2 * ms };
const storming: Behaviour = { computeNs: 20 * us, waitNs: 30 * us };

test.serial(
  "one that an event wakes runs within the latency, beside those that compute for good",
  async (t) => {
    for (const name of ["one", "three"] as const) {
      const sim = await simulated(t, name, 20, { behaviours: [rare] });
      // Signal, then timer.
      const longest = sim.vcpus[0].longestWakeNs;
      t.true(longest <= latency + 2 * lateNs, `${name}: ${longest} ns`);
    }
  },
);

test.serial(
  "those that are woken all the time take no more than their shares from one that computes",
  async (t) => {
    const behaviours = samples.storm.guests.map((_, i) => (i < 2 ? busy : storming));
    const sim = await simulated(t, "storm", 10, { behaviours });
    for (const v of sim.vcpus.slice(0, 2)) {
      t.true(v.ranNs >= 0.99 * (2 / 16) * 10 * second, `vCPU ${v.index} ran ${v.ranNs / second} s`);
      t.true(v.longestWaitNs <= 16 * slice, `vCPU ${v.index} waited ${v.longestWaitNs} ns`);
    }
  },
);

test.serial(
  "nobody starves, no CPU idles beside work, and everybody stays on its CPUs, whatever they do",
  async (t) => {
    const random = randomFrom(seed);
    const kinds = [busy, rare, bursts, storming];
    let steps = 0;
    for (const name of ["weighted", "seven", "many", "bound", "greedy", "caps", "realtime"] as const)
      for (let round = 0; round < 2; round++) {
        const image = samples[name];
        const behaviours = image.guests.flatMap((g) =>
          g.schedule.places.map(() => kinds[Math.floor(random() * kinds.length)]),
        );
        const sim = await simulated(t, name, 2, { seed: seed + round, behaviours });
        steps += sim.steps;
        const weights = image.guests.map((g) => g.schedule.weight);
        const sum = weights.reduce((a, b) => a + b, 0);
        for (const v of sim.vcpus) {
          const { weight, capPercent, realtime, places } = image.guests[v.guest].schedule;
          if (capPercent !== null || realtime !== null || name === "greedy") continue;
          // Until all others have had what their weights give them beside two of its turns, and a turn each.
          const bound = 2 * slice * ((sum / weight) * places.length + sim.vcpus.length);
          t.true(
            v.longestWaitNs <= bound,
            `${name}: vCPU ${v.index} waited ${v.longestWaitNs} of ${bound} ns`,
          );
        }
      }
    t.log(`${steps} choices`);
  },
);

test.serial("a cap is never exceeded by more than a slice, in any stretch of time", async (t) => {
  const image = samples.caps;
  const lowest = image.guests.map(() => 0);
  const over = image.guests.map(() => 0);
  const watch = (sim: Simulation): void => {
    for (const [i, { schedule }] of image.guests.entries()) {
      const ahead = ranOf(sim, i) - (sim.now * (schedule.capPercent ?? 0)) / 100;
      lowest[i] = Math.min(lowest[i], ahead);
      over[i] = Math.max(over[i], ahead - lowest[i]);
    }
  };
  const mixed = [busy, busy, busy, busy, bursts, busy, rare];
  for (const behaviours of [[], mixed]) {
    const sim = await simulated(t, "caps", 10, { behaviours, watch });
    for (const [i, { schedule }] of image.guests.entries()) {
      if (schedule.capPercent === null) continue;
      t.true(over[i] <= slice + 4 * lateNs, `guest ${i} got ${over[i]} ns more than its cap`);
      if (behaviours.length !== 0) continue;
      const share = (schedule.capPercent / 100) * 10 * second;
      t.true(ranOf(sim, i) >= 0.98 * share, `guest ${i} got ${ranOf(sim, i) / share} of its cap`);
    }
    lowest.fill(0);
    over.fill(0);
  }
});

test.serial("a promise is kept in every period, to the budget and no further", async (t) => {
  const image = samples.realtime;
  const ends = [0, 1].map(() => ({ at: 0, ran: 0 }));
  let least = Infinity;
  const watch = (sim: Simulation): void => {
    for (const i of [0, 1]) {
      const { budgetNs, periodNs } = image.guests[i].schedule.realtime!;
      const end = ends[i];
      // Budgets are there again at multiples of the period since the start; what is late is late by a timer.
      if (sim.now < end.at + periodNs) continue;
      const got = sim.vcpus[i].ranNs - end.ran;
      const periods = Math.floor((sim.now - end.at) / periodNs);
      least = Math.min(least, got / (budgetNs * periods));
      if (got > budgetNs * (periods + 1) + 4 * lateNs)
        t.fail(`vCPU ${i} got ${got} ns in ${periods} periods`);
      end.at += periods * periodNs;
      end.ran = sim.vcpus[i].ranNs;
    }
  };
  const sim = await simulated(t, "realtime", 10, { watch });
  t.true(least > 0.95, `${least} of a budget`);
  t.true(Math.abs(sim.vcpus[0].ranNs - 2 * second) < 0.01 * second);
  t.true(Math.abs(sim.vcpus[1].ranNs - 2.5 * second) < 0.01 * second);
});

test.serial("a CPU without rivals has no timer: nothing happens until something does", async (t) => {
  const sim = await simulated(t, "alone", 100);
  t.true(sim.steps <= 4, `${sim.steps} choices`);
  sim.sleep(0);
  sim.run(200 * second);
  t.true(sim.steps <= 6, `${sim.steps} choices`);
  t.deepEqual(
    sim.cpus.map((c) => c.looksAt),
    [Infinity, Infinity],
  );
});

test.serial("what is asleep is given up by its own CPU alone", async (t) => {
  const s = (await compiled)("three");
  s.start(1_000_000_000n);
  s.online(0, 0n);
  s.online(1, 0n);
  s.wake(0, 0n, false);
  const cpu = Number(s.takeSignals() & 3n) & 1 ? 0 : 1;
  t.is(s.choose(cpu, 0n), 0);
  s.sleep(0, 1000n);
  t.is(s.takeSignals(), 1n << BigInt(cpu), "its CPU is told");
  s.wake(0, 2000n, true);
  t.is(s.choose(1 - cpu, 3000n), -1, "no other CPU gets it before");
  t.is(s.choose(cpu, 4000n), 0);
  t.is(s.ran(0), 4000n);
});

test.serial(
  "what gives way to another lets it run next, from wherever it waits, but not for good",
  async (t) => {
    const sim = await simulated(t, "many", 1);
    let granted = 0;
    for (let i = 0; i < 200; i++) {
      const waiting = sim.vcpus.filter((v) => v.ready && v.on < 0);
      const to = waiting[i % waiting.length].index;
      sim.giveWay(i % 8, to);
      sim.run(sim.now + 2 * lateNs);
      if (sim.vcpus[to].lastCpu === i % 8) granted++;
    }
    t.true(granted >= 150, `${granted} of 200`);
    // Two that hand a CPU to each other get no more than their shares of it.
    const two = await simulated(t, "weighted", 1);
    const before = two.vcpus.map((v) => v.ranNs);
    for (let i = 0; i < 20_000; i++) {
      const current = two.cpus[0].current;
      if (current === 0) two.giveWay(0, 2);
      if (current === 2) two.giveWay(0, 0);
      two.run(two.now + 500 * us);
    }
    const both = two.vcpus[0].ranNs + two.vcpus[2].ranNs - before[0] - before[2];
    const share = ((256 + 40) / (256 + 768 + 40 + 3000)) * 10 * second;
    t.true(both <= 1.02 * share + 8 * slice, `${both / share} of their share`);
    t.deepEqual(two.problems, []);
  },
);

test.serial("those with nothing better stay where they are preferred", async (t) => {
  const behaviours = [rare, rare, rare, rare, busy, rare, rare];
  let [last, astray] = [0, 0];
  await simulated(t, "bound", 2, {
    behaviours,
    watch: (sim) => {
      if (sim.vcpus[4].on !== 3) astray += sim.now - last;
      last = sim.now;
    },
  });
  t.true(astray < 0.1 * 2 * second, `${astray} ns elsewhere`);
});

test.serial("Node and native code choose alike, whatever is asked", async (t) => {
  t.log(`SEED=${seed}`);
  for (const name of ["seven", "bound", "caps", "realtime", "pinned"] as const) {
    const random = randomFrom(seed);
    const below = (n: number): number => Math.floor(random() * n);
    const both = [schedulers[name], (await compiled)(name)];
    const vcpus = samples[name].guests.flatMap((g) => g.schedule.places).length;
    const cpus = samples[name].cpuCapacity;
    let now = 0n;
    for (const s of both) {
      s.start(1_000_000_000n);
      for (let cpu = 0; cpu < cpus; cpu++) s.online(cpu, now);
    }
    for (let step = 0; step < 1500; step++) {
      now += BigInt(below(below(4) === 0 ? 3_000_000 : 200_000));
      const [what, vcpu, cpu, event] = [below(8), below(vcpus), below(cpus), below(2) === 0];
      const to = below(vcpus + 1) - 1;
      const told = both.map((s) => {
        let chosen = 0;
        if (what < 2) s.wake(vcpu, now, event);
        else if (what === 2) s.sleep(vcpu, now);
        else if (what === 3) s.giveWay(cpu, to, now);
        else chosen = s.choose(cpu, now);
        return [chosen, s.deadline(cpu), s.takeSignals(), s.ran(vcpu)].join();
      });
      if (told[0] !== told[1])
        return t.fail(`${name}, step ${step}: ${told[0]} in Node, ${told[1]} natively`);
    }
  }
  t.pass();
});
