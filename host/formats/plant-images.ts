// The images of a plant: what each file is known by, what its app declares, and what it is called on a card.

import { crc32 } from "node:zlib";
import { HxeFlag } from "../../assembly/spec/hxe.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { decodeHxe } from "./hxe.ts";
import type { HxeMetadata } from "./hxe-metadata.ts";
import { allValues, type KeptValue } from "./kept-values.ts";
import type { PlantImage } from "./plant.ts";

/** A file of an image, as the manifest names it. */
export interface PlantImageFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly known: PlantImage;
  /** Name of the app in the image. */
  readonly app: string;
  /** Several of it may be loaded. */
  readonly isMultiple: boolean;
  /** What its own manifest says, if that is a text. */
  readonly version: string | undefined;
  readonly metadata: HxeMetadata;
}

/** The bytes of a file, or why there are none. */
export type FileRead =
  | { readonly bytes: Uint8Array }
  | { readonly message: string; readonly remedy: string };
/** Reads a file by the name that stands in the manifest. */
export type ReadFile = (name: string) => FileRead;

const CARD_NAME_MAX = 8;
/** Characters that every reader of cards takes. */
const ODD_CHARACTERS = /[^A-Z0-9_-]/g;

/** What files are called on a card: eight characters of their own name, no two alike. */
export class CardNames {
  private readonly taken = new Set<string>();

  /** The name of a further file: `out/pump station.hxe` is PUMPSTAT.HXE, the next one PUMPSTA2.HXE. */
  add(path: string): string {
    const whole = path.split(/[/\\]/).at(-1) ?? "";
    const base =
      whole
        .replace(/\.[^.]*$/, "")
        .toUpperCase()
        .replace(ODD_CHARACTERS, "") || "APP";
    for (let n = 1; ; n++) {
      const digits = n === 1 ? "" : String(n);
      const name = `${base.slice(0, CARD_NAME_MAX - digits.length)}${digits}.HXE`;
      if (this.taken.has(name)) continue;
      this.taken.add(name);
      return name;
    }
  }
}

function versionOf(manifest: Uint8Array | undefined): string | undefined {
  if (manifest === undefined) return undefined;
  try {
    const { version } = JSON.parse(new TextDecoder().decode(manifest)) as { version?: unknown };
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined; // a node checks that it is JSON, people read it
  }
}

/** What a file is; or what is wrong with it as an image. */
export function plantImage(
  name: string,
  bytes: Uint8Array,
  cardName: string,
): { file: PlantImageFile } | { mistake: Diagnostic } {
  const { image, metadata, diagnostics } = decodeHxe(bytes, name);
  if (image === undefined || metadata === undefined)
    return { mistake: diagnostics[0] as Diagnostic };
  const app = image.appName.trim() || "app";
  const known = { bytes: bytes.length, crc: crc32(bytes), nameHash: crc32(app), file: cardName };
  const isMultiple = (image.flags & HxeFlag.MULTIPLE) !== 0;
  return {
    file: { name, bytes, known, app, isMultiple, version: versionOf(image.manifest), metadata },
  };
}

/** Where an instance has its ids and keys. */
export interface Bases {
  readonly groupBase: number;
  readonly keyBase: number;
}

/** The values of an instance, with ids and keys as they are on the node; key 0: not kept. */
export function instanceValues(file: PlantImageFile, { groupBase, keyBase }: Bases): KeptValue[] {
  return allValues(file.app, file.metadata.values).map((value) => ({
    ...value,
    oid: value.oid + groupBase * 256,
    key: value.key === 0 ? 0 : value.key + keyBase,
  }));
}
/** Those of them that it keeps. */
export function instanceKept(file: PlantImageFile, bases: Bases): KeptValue[] {
  return instanceValues(file, bases).filter(({ key }) => key !== 0);
}
