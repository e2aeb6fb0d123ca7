/** The operator's commands about guests. */
import { u64, type u32 } from "../../dsl/core/int.ts";
import { text } from "../../dsl/core/intrinsics.ts";
import { DomainState, type Domain } from "../domain.ts";
import type { GuestSaving } from "../guest-saving.ts";
import { machine } from "../machine.ts";
import { field } from "./answer.ts";
import type { OperatorParts } from "./operator.ts";
import { isEnded, tellState } from "./names.ts";
import { channel, Step, type OperatorCommand, type Terminal } from "./command.ts";

const fields = Object.freeze({
  guest: field("guest"),
  memory: field("memoryMiB", "", " MiB"),
  vcpus: field("vcpus", "vCPUs "),
  state: field("state"),
  restarts: field("restarts", "restarts "),
  console: field("console", "has the console"),
});

/** Builds the commands. */
export function guestCommands(parts: OperatorParts, terminal: Terminal): readonly OperatorCommand[] {
  const { domains, life, consoles: console, saving } = parts;
  const { answer } = terminal;
  const guests = Object.freeze(
    parts.model.guests.map(({ index, name, memoryBytes, vcpus, power }) =>
      Object.freeze({
        index,
        name,
        megabytes: BigInt(memoryBytes) >> 20n,
        vcpus: BigInt(vcpus.length),
        stopSeconds: BigInt(Math.ceil(power.stopDeadlineNs / 1e9)),
      }),
    ),
  );
  const last = guests.length - 1;
  const domainOf = (guest: u32): Domain => domains[Math.min(guest, last)];
  const runs = (domain: Domain): boolean => domain.state === DomainState.running;

  const tell = (domain: Domain): void => {
    if (saving !== null && isEnded(domain) && saving.isSaved(domain))
      answer.text(fields.state, text("saved"));
    else tellState(answer, fields.state, domain);
  };
  const list = (at: u32): u32 => {
    for (const g of guests) {
      if (at === g.index) {
        const domain = domains[g.index];
        answer.open();
        answer.text(fields.guest, text(g.name));
        answer.decimal(fields.memory, g.megabytes);
        tell(domain);
        answer.decimal(fields.vcpus, g.vcpus);
        answer.decimal(fields.restarts, BigInt(domain.restarts));
        answer.close();
      }
    }
    return at < last ? Step.more : Step.done;
  };
  const stopTicks = (domain: Domain): u64 => {
    for (const g of guests)
      if (domain.index === g.index) return u64(g.stopSeconds * machine.ticksPerSecond());
    return 0n;
  };
  /** The console goes back to the guest that has it, when it runs again by what a person has typed. */
  const giveBack = (domain: Domain): void => {
    if (
      terminal.channel() === channel.person &&
      !answer.isJson() &&
      console.isTaken() &&
      console.attached() === domain.index
    )
      console.give();
  };
  /** A command that is one step. */
  const once =
    (act: (domain: Domain) => void) =>
    (guest: u32, _number: u32, _at: u32): u32 => {
      act(domainOf(guest));
      return Step.done;
    };
  const mustRun = (domain: Domain): boolean => {
    if (!runs(domain)) answer.fail(text("it does not run"), text(""));
    return runs(domain);
  };

  return Object.freeze([
    {
      name: "list",
      about: "shows the guests",
      permit: "observe",
      argument: null,
      step: (_guest: u32, _number: u32, at: u32): u32 => list(at),
    },
    {
      name: "start",
      about: "starts it from its beginning",
      permit: "control",
      argument: "guest",
      step: once((domain: Domain): void => {
        if (!isEnded(domain)) answer.fail(text("it runs, or is paused"), text(""));
        // Its disks may be those of the save: what goes on there twice is lost.
        else if (saving !== null && saving.isSaved(domain))
          answer.fail(text("it is saved: restore it, or discard that first"), text(""));
        else {
          life.start(domain);
          life.settle();
          giveBack(domain);
        }
      }),
    },
    {
      name: "stop",
      about: "presses its power button, and stops it when it has not turned itself off in time",
      permit: "control",
      argument: "guest",
      step: once((domain: Domain): void => {
        if (mustRun(domain)) life.stop(domain, stopTicks(domain));
      }),
    },
    {
      name: "kill",
      about: "stops it at once",
      permit: "control",
      argument: "guest",
      step: once((domain: Domain): void => {
        if (isEnded(domain) && domain.restartAt === 0n) answer.fail(text("it does not run"), text(""));
        else {
          life.kill(domain);
          life.settle();
        }
      }),
    },
    {
      name: "pause",
      about: "holds it, and its clock",
      permit: "control",
      argument: "guest",
      step: once((domain: Domain): void => {
        if (!mustRun(domain)) return;
        life.pause(domain);
        life.settle();
      }),
    },
    {
      name: "resume",
      about: "lets it go on where it was paused",
      permit: "control",
      argument: "guest",
      step: once((domain: Domain): void => {
        if (domain.state === DomainState.paused) life.resume(domain);
        else answer.fail(text("it is not paused"), text(""));
      }),
    },
    {
      name: "reset",
      about: "starts it from its beginning, whatever it does now",
      permit: "control",
      argument: "guest",
      step: once((domain: Domain): void => {
        if (isEnded(domain)) {
          answer.fail(text("it does not run: start it"), text(""));
          return;
        }
        life.start(domain);
        life.settle();
      }),
    },
    {
      name: "attach",
      about: "gives the console to it",
      permit: "control",
      argument: "guest",
      local: true,
      step: (guest: u32, _number: u32, _at: u32): u32 => {
        console.attach(guest);
        console.give();
        return Step.done;
      },
    },
    ...(saving === null
      ? []
      : savingCommands(saving, terminal, domainOf, (domain: Domain): void => giveBack(domain), parts.wakeBy)),
  ] as const satisfies readonly OperatorCommand[]);
}

/** The commands about saves. */
function savingCommands(
  saving: GuestSaving,
  { answer }: Terminal,
  domainOf: (guest: u32) => Domain,
  giveBack: (domain: Domain) => void,
  wakeBy: (ticks: u64) => void,
): readonly OperatorCommand[] {
  const failed = (): void => answer.fail(text("it could not be done: the notice says why"), text(""));
  return [
    {
      name: "save",
      about: "saves it and stops it; it goes on at restore, or when the machine starts",
      permit: "control",
      argument: "guest",
      step: (guest: u32, _number: u32, at: u32): u32 => {
        const domain = domainOf(guest);
        if (at === 0 && saving.hold(domain)) return Step.more;
        if (at !== 0 && !saving.isHeld(domain)) {
          wakeBy(machine.now());
          return Step.later;
        }
        if (at === 0 || !saving.save(domain)) failed();
        return Step.done;
      },
    },
    {
      name: "restore",
      about: "lets it go on where it was saved",
      permit: "control",
      argument: "guest",
      step: (guest: u32, _number: u32, _at: u32): u32 => {
        const domain = domainOf(guest);
        if (saving.restore(domain)) giveBack(domain);
        else failed();
        return Step.done;
      },
    },
    {
      name: "discard",
      about: "makes its save unusable",
      permit: "control",
      argument: "guest",
      step: (guest: u32, _number: u32, _at: u32): u32 => {
        if (saving.discard(domainOf(guest))) answer.say(text("it has no save any more"));
        else failed();
        return Step.done;
      },
    },
  ];
}
