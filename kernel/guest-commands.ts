/** The operator's commands about guests and the machine. */
import type { u32 } from "../dsl/core/int.ts";
import { text } from "../dsl/core/intrinsics.ts";
import type { FixedArray } from "../dsl/core/layout.ts";
import { putDecimal, putText } from "./console.ts";
import { DomainState, type Domain } from "./domain.ts";
import type { GuestSaving } from "./guest-saving.ts";
import { machine } from "./machine.ts";
import type { OperatorCommand } from "./operator.ts";

/** A guest, as the commands name it. */
export interface CommandedGuest {
  readonly index: number;
  readonly name: string;
  readonly bytes: bigint;
}
/** What the kernel does for the commands. */
export interface CommandActions {
  /** Starts a guest from its beginning. */
  start(domain: Domain): void;
  /** A guest runs again: where the console is its, it has it. */
  attach(guest: u32): void;
  /** Says and sends what waits, before the machine ends or restarts. */
  leave(): void;
}

/** Builds the commands. */
export function guestCommands(
  guests: readonly CommandedGuest[],
  domains: FixedArray<Domain>,
  saving: GuestSaving,
  actions: CommandActions,
): readonly OperatorCommand[] {
  const last = guests.length - 1;
  const domainOf = (guest: u32): Domain => domains[Math.min(guest, last)];
  const list = (_: u32): void => {
    for (const g of guests) {
      const domain = domains[g.index];
      putText(text(`  ${g.name}  ${g.bytes >> 20n} MiB, `));
      if (domain.state === DomainState.running) putText(text("running"));
      else if (saving.isSaved(domain)) putText(text("saved"));
      else putText(text("stopped"));
      if (domain.restarts !== 0) {
        putText(text(", restarts: "));
        putDecimal(BigInt(domain.restarts));
      }
      putText(text("\n"));
    }
  };
  return Object.freeze([
    { name: "list", about: "shows the guests", guest: false, run: list },
    {
      name: "save",
      about: "saves it and stops it; it goes on at restore, or when the machine starts",
      guest: true,
      run: (guest: u32): void => saving.save(domainOf(guest)),
    },
    {
      name: "restore",
      about: "lets it go on where it was saved",
      guest: true,
      run: (guest: u32): void => {
        if (saving.restore(domainOf(guest))) actions.attach(guest);
      },
    },
    {
      name: "discard",
      about: "makes its save unusable",
      guest: true,
      run: (guest: u32): void => {
        if (saving.discard(domainOf(guest))) putText(text("it has no save any more\n"));
      },
    },
    {
      name: "start",
      about: "starts it from its beginning",
      guest: true,
      run: (guest: u32): void => {
        const domain = domainOf(guest);
        if (domain.state === DomainState.running) putText(text("it runs\n"));
        // Its disks may be those of the save: what goes on there twice is lost.
        else if (saving.isSaved(domain)) putText(text("it is saved: restore it, or discard that first\n"));
        else {
          actions.start(domain);
          actions.attach(guest);
        }
      },
    },
    {
      name: "restart",
      about: "restarts the machine; what runs and is not saved is lost",
      guest: false,
      run: (_: u32): void => {
        actions.leave();
        machine.reset();
      },
    },
    {
      name: "power-off",
      about: "turns the machine off",
      guest: false,
      run: (_: u32): void => {
        actions.leave();
        machine.powerOff();
      },
    },
  ]);
}
