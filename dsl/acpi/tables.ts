/** The whole set of a guest's ACPI tables, laid out in its memory. */
import type { AcpiModel, AcpiTableModel } from "../manifest/model.ts";
import { littleEndian } from "./aml.ts";
import { fadt, facs, hpet, madt, mcfg } from "./fixed-tables.ts";
import type { AcpiInput } from "./input.ts";
import { dsdt } from "./namespace.ts";
import { rootPointer, table } from "./table.ts";

/** Where the tables go. */
export interface AcpiPlaces {
  /** Memory for everything but FACS and RSDP; a multiple of 64. */
  readonly tables: { readonly gpa: number; readonly sizeBytes: number };
  /** Memory that the guest must keep (ACPI NVS): FACS. A multiple of 64. */
  readonly nvs: { readonly gpa: number };
  /** The root pointer, a multiple of 16 between 0xe0000 and 0xffff0 (ACPI 6.5 §5.2.5.1). */
  readonly rsdpGpa: number;
}

/** The tables do not fit the memory kept for them. */
export class AcpiOverflow extends RangeError {
  constructor(readonly missingBytes: number) {
    super(`the ACPI tables need ${missingBytes} bytes more than there are`);
  }
}

/** Generates the tables. Throws {@link AcpiOverflow} where they do not fit. */
export function acpiTables(input: AcpiInput, places: AcpiPlaces): AcpiModel {
  const tables: AcpiTableModel[] = [];
  let next = places.tables.gpa;
  const put = (bytes: number[], gpa: number): number => {
    const signature = String.fromCharCode(...bytes.slice(0, bytes[0] === 0x52 && bytes[3] === 0x20 ? 8 : 4));
    tables.push(Object.freeze({ signature, gpa, bytes: Object.freeze(bytes) }));
    return gpa;
  };
  const append = (bytes: number[]): number => {
    const gpa = put(bytes, next);
    next = Math.ceil((gpa + bytes.length) / 64) * 64;
    return gpa;
  };
  const { chipset } = input;
  const facsGpa = put(facs(), places.nvs.gpa);
  const dsdtGpa = append(dsdt(input));
  const roots = [append(fadt(input, facsGpa, dsdtGpa))];
  if (chipset.lapicGpa !== null) roots.push(append(madt(input, chipset.lapicGpa)));
  if (chipset.ecam !== null) roots.push(append(mcfg(chipset.ecam)));
  if (chipset.hpetGpa !== null && input.hpet !== undefined)
    roots.push(append(hpet(chipset.hpetGpa, input.hpet)));
  const xsdtGpa = append(
    table(
      "XSDT",
      1,
      roots.flatMap((gpa) => littleEndian(gpa, 8)),
    ),
  );
  put(rootPointer(xsdtGpa), places.rsdpGpa);
  const end = places.tables.gpa + places.tables.sizeBytes;
  if (next > end) throw new AcpiOverflow(next - end);
  return Object.freeze({ rsdpGpa: places.rsdpGpa, tables: Object.freeze(tables) });
}
