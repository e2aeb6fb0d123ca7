/** What a trace's numbers mean: the devices of an image with their registers and wires. The build keeps it as JSON. */
import type { Device } from "../device/device.ts";
import type { DeviceModel } from "../device/model.ts";
import type { Manifest } from "../image.ts";

/** One device of a guest. */
export interface TracedDevice {
  readonly name: string;
  readonly guest: string;
  /** Names {@link TraceModel.types}. */
  readonly type: string;
  /** By ordinal: `irq`, `pins[2]`. */
  readonly wires: readonly string[];
}

/** The model of an image's trace, JSON-serialisable. */
export interface TraceModel {
  readonly image: string;
  /** In the order of their numbers in the trace: every device of every guest, traced or not. */
  readonly devices: readonly TracedDevice[];
  readonly types: Readonly<Record<string, DeviceModel>>;
}

/** The model of an image's trace. */
export function traceModel(manifest: Manifest): TraceModel {
  const types: Record<string, DeviceModel> = {};
  const devices = manifest.guests.flatMap((guest) =>
    guest.devices.flatMap(({ instance }) => {
      if (instance === undefined) return [];
      const { device, name, wires } = instance;
      // Members of a family differ, and have one name.
      const same = (type: string): boolean => JSON.stringify(types[type]) === JSON.stringify(device.model);
      let type = device.name;
      for (let i = 2; type in types && !same(type); i++) type = `${device.name}#${i}`;
      types[type] = device.model;
      return [
        {
          name,
          guest: guest.name,
          type,
          wires: wires.map((w) => (manyOf(device, w.name) ? `${w.name}[${w.index}]` : w.name)),
        },
      ];
    }),
  );
  return { image: manifest.model.name, devices, types };
}

function manyOf(device: Device, wire: string): boolean {
  return device.wires.some((end) => end.name === wire && end.many);
}

/** A number that tells models apart: two 32-bit FNV-1a hashes of its JSON. */
export function digestOf(model: TraceModel): bigint {
  const text = JSON.stringify(model);
  const hash = (seed: number): bigint => {
    let h = seed;
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    return BigInt(h >>> 0);
  };
  return (hash(0x811c9dc5) << 32n) | hash(0x1505);
}
