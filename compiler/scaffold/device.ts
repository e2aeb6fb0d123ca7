/** What `typevisor new device` writes: a small device that works, its test, and its program for Node against native. */
import { join } from "node:path";
import { repositoryRoot } from "../root.ts";
import { identifierOf } from "./name.ts";
import { specifier, type NewFile } from "./new-file.ts";

/** The files of a new device in a project. */
export function deviceFiles(project: string, name: string): readonly NewFile[] {
  const device = identifierOf(name);
  const file = (path: string, text: (typevisor: (path: string) => string) => string): NewFile => ({
    path,
    text: text((module) => specifier(join(project, path), join(repositoryRoot, module))),
  });
  return [
    file(`devices/${name}.ts`, (typevisor) => declaration(name, device, typevisor)),
    file(`devices/${name}.model.test.ts`, (typevisor) => modelTest(name, device, typevisor)),
    file(`devices/testing/${name}.ts`, (typevisor) => program(name, device, typevisor)),
    file(`devices/${name}.native.test.ts`, (typevisor) => nativeTest(name, device, typevisor)),
  ];
}

type Module = (path: string) => string;

function declaration(name: string, device: string, typevisor: Module): string {
  return `/**
 * The ${name}: a mailbox of one byte. What is written to \`data\` lies there until it is read; meanwhile \`status.full\`
 * says so, and the interrupt line is high where \`control.interrupt\` asks for it.
 */
import { bank, bit, device, line, ro, rw, u8 } from "${typevisor("dsl/device/vocabulary.ts")}";

const shape = device("${name}", {
  banks: {
    ports: bank(u8, {
      data: rw(0, {}, { about: "The byte. Reading it empties the mailbox." }),
      control: rw(1, { interrupt: bit(0) }, { about: "What the guest wants to be told." }),
      status: ro(2, { full: bit(0) }, { about: "Whether there is a byte." }),
    }),
  },
  state: { irq: line() },
});

/** The mailbox. Its line \`irq\` is high while there is a byte and the guest wants to be told. */
export const ${device} = shape.implement({
  read: {
    data(u, byte) {
      u.status.full = false;
      return byte;
    },
  },
  written: {
    data(u) {
      u.status.full = true;
    },
  },
  settle: (u) => u.irq.set(u.control.interrupt && u.status.full),
});
`;
}

function modelTest(name: string, device: string, typevisor: Module): string {
  return `import test from "ava";
import { attach } from "${typevisor("dsl/testing/attach.ts")}";
import { ${device} } from "./${name}.ts";

test("a byte lies in the mailbox until it is read", (t) => {
  const guest = attach(${device});
  t.is(guest.read("status"), 0);
  guest.write("data", 0x41);
  t.is(guest.read("status"), 1);
  t.is(guest.read("data"), 0x41);
  t.is(guest.read("status"), 0);
});

test("the interrupt line is high while there is a byte, where the guest asked for it", (t) => {
  const guest = attach(${device});
  guest.write("data", 0x41);
  t.false(guest.line("irq"));
  guest.write("control", 1);
  t.true(guest.line("irq"));
  guest.read("data");
  t.false(guest.line("irq"));
});
`;
}

function program(name: string, device: string, typevisor: Module): string {
  return `import { deviceProgram } from "${typevisor("dsl/testing/device-program.ts")}";
import { ${device} } from "../${name}.ts";

export const program = deviceProgram(${device});
`;
}

function nativeTest(name: string, device: string, typevisor: Module): string {
  return `import test from "ava";
import { makeTwin } from "${typevisor("compiler/lang/testing/twin.ts")}";
import { driveAtRandom } from "${typevisor("dsl/testing/random-twin.ts")}";
import { ${device} } from "./${name}.ts";

test("the ${name} does natively what it does in Node, access by access", async (t) => {
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 1);
  t.log(\`seed \${seed}\`);
  const twin = await makeTwin("devices/testing/${name}.ts");
  t.is(driveAtRandom(twin, ${device} as never, { seed, steps: 2000 }), undefined);
});
`;
}
