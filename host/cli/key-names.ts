// Names, units and limits of persist keys, from the images of apps that declare them.

import { f16Text } from "../client/refusal.ts";
import { findKey, type KeptValue, keptValues, keyConflict } from "../formats/kept-values.ts";
import { hex } from "../formats/text.ts";
import { Exit, Failure } from "./exit.ts";
import { readImage } from "./image.ts";

/** What is known of keys. */
export class KeyNames {
  constructor(readonly known: readonly KeptValue[]) {}

  /** Reads images. Two that claim one key are refused, as a node refuses to run both. */
  static read(files: readonly string[]): KeyNames {
    const known = files.flatMap((file) => {
      const { image, metadata } = readImage(file);
      return keptValues(image.appName || file, metadata.values);
    });
    const [a, b] = keyConflict(known) ?? [];
    if (a === undefined || b === undefined) return new KeyNames(known);
    const message = `${a.app} (${a.label}) and ${b.app} (${b.label}) both claim the persist key ${hex(a.key, 4)}`;
    throw new Failure(Exit.DOES_NOT_FIT, "KEY_TAKEN", message, {
      remedy: "name one of the two images, or give their values different keys",
      details: { key: a.key },
    });
  }

  of(key: number): KeptValue | undefined {
    return this.known.find((v) => v.key === key);
  }
  /** `0x0201 thermostat:setpoint` */
  text(key: number): string {
    const label = this.of(key)?.label;
    return label === undefined ? hex(key, 4) : `${hex(key, 4)} ${label}`;
  }
  /** `22.5 degC` */
  valueText(key: number, bits: number): string {
    const unit = this.of(key)?.unit;
    return unit ? `${f16Text(bits)} ${unit}` : f16Text(bits);
  }
  /** A key as people write it, by number or name. Throws a Failure. */
  find(text: string): number {
    const found = findKey(this.known, text);
    if ("key" in found) return found.key;
    throw new Failure(Exit.NOT_FOUND, "NOT_FOUND", found.message, { remedy: found.remedy });
  }
}
