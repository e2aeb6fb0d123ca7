import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { i32, i64, type Value } from "../ir/ir.ts";
import { InvalidModuleError } from "../llvm/emit.ts";
import { ToolError } from "../llvm/toolchain.ts";
import { disassemble, imageBase, sourceFrames } from "./code-lines.ts";
import { linkEfi } from "./efi.ts";
import { sampleApplication } from "./sample-application.ts";
import { outSite, sampleFunction, sampleGlobal, sampleModule, saySite } from "./sample.ts";

const param = (index: number, type = i64): Value => ({ kind: "param", type, index });

test("two links of one module are equal byte for byte", (t) => {
  const link = (): Buffer => Buffer.from(linkEfi({ module: sampleApplication(), entry: "efi_main" }).efi);
  t.true(link().equals(link()));
});

test("an image with lines beside it is the image without, and the lines are of its code", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const without = linkEfi({ module: sampleApplication(), entry: "efi_main" });
  const { efi, withLines, symbols } = linkEfi({
    module: sampleApplication(),
    entry: "efi_main",
    lines: true,
  });
  t.true(Buffer.from(efi).equals(without.efi));
  t.is(without.withLines, undefined);
  const file = join(folder, "lines.efi");
  writeFileSync(file, withLines!);
  const { rva } = symbols.find(({ symbol }) => symbol === "put")!;
  t.deepEqual(sourceFrames(file, [rva]).get(rva), [{ symbol: "put", file: "sample.ts", line: 1 }]);
  const code = disassemble(file, imageBase(efi));
  t.truthy(code.get(rva));
  t.true([...code.values()].some((text) => text.startsWith("retq")));
});

test("sections are on pages of their own, and code is not writable", (t) => {
  const module = sampleApplication();
  const { sections, symbols } = linkEfi({
    module: { ...module, globals: [...module.globals, sampleGlobal("state", 70_000, { exported: true })] },
    entry: "efi_main",
  });
  const of = (name: string) => sections.find((section) => section.name === name)!;
  t.true(of(".text").executable && !of(".text").writable);
  t.true(!of(".rdata").executable && !of(".rdata").writable);
  t.true(!of(".data").executable && of(".data").writable);
  t.true(of(".data").sizeBytes >= 70_000 && of(".data").fileBytes < 4096, "zeroes take no room in the file");
  t.true(symbols.find(({ symbol }) => symbol === "state")!.fileBytes < 512);
  const text = symbols.find(({ symbol }) => symbol === "efi_main")!;
  t.is(text.fileBytes, text.sizeBytes);
  t.true(sections.every(({ rva }) => rva % 4096 === 0));
});

test("symbols carry their source's name and place and fill their sections; cold code comes last", (t) => {
  const { symbols, sections } = linkEfi({ module: sampleApplication(), entry: "efi_main" });
  const text = symbols.filter(({ section }) => section === ".text");
  t.deepEqual(
    text.map(({ symbol }) => symbol),
    ["put", "efi_main", "print"],
  );
  t.is(text[0]!.displayName, "serial.put");
  t.deepEqual(text[0]!.loc, { file: "sample.ts", line: 1, column: 1 });
  const bytes = text.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  t.is(bytes, sections.find(({ name }) => name === ".text")!.sizeBytes);
});

test("what the hot functions do not reach is placed apart", (t) => {
  const { symbols } = linkEfi({ module: sampleApplication(), entry: "efi_main", hot: ["print"] });
  const order = symbols.filter(({ kind }) => kind === "function").map(({ symbol }) => symbol);
  // `print` is cold by its own mark, so `put` is reached by nothing that is hot.
  t.deepEqual(order, ["put", "print", "efi_main"]);
});

test("assembly that does not assemble is an error that names its site or its line", (t) => {
  const module = sampleApplication();
  const wrongSite = { ...module, asmSites: [{ ...outSite, template: "outbogus $1, $0" }, saySite] };
  const site = t.throws(() => linkEfi({ module: wrongSite, entry: "efi_main" }), { instanceOf: ToolError });
  t.is(site.origin?.site, 0);
  const naked = [{ symbol: "stub", displayName: "stub", lines: ["nop", "bogus"], uses: [], loc: undefined }];
  const line = t.throws(() => linkEfi({ module: { ...module, naked }, entry: "efi_main" }), {
    instanceOf: ToolError,
  });
  t.deepEqual(line.origin?.assembly, { symbol: "stub", line: "bogus" });
});

test("a module that breaks the IR's rules is refused before LLVM sees it", (t) => {
  const broken = sampleModule({
    functions: [sampleFunction("broken", [i64], i64, (b) => b.return(param(0, i32)))],
  });
  t.throws(() => linkEfi({ module: broken, entry: "broken" }), {
    instanceOf: InvalidModuleError,
    message: /broken, entry:/,
  });
});
