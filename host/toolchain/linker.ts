// The linker: objects to one image.
import { basename } from "node:path";
import {
  DATA_ORIGIN,
  HXE_CODE_MAX,
  HXE_DATA_MAX,
  HxeCap,
  HxeFlag,
  STACK_TOP,
} from "../../assembly/spec/hxe.ts";
import {
  type Diagnostic,
  type Position,
  sortDiagnostics,
  suggest,
  wholeFile,
} from "../formats/diagnostic.ts";
import { encodeHxe, type HxeImage } from "../formats/hxe.ts";
import {
  encodeMetadata,
  type HxeMetadata,
  type HxeSection,
  type MailboxForm,
  MetadataFailure,
} from "../formats/hxe-metadata.ts";
import type { HxoMetadata, HxoObject, SectionName } from "../formats/hxo.ts";
import { compactManifest } from "../formats/manifest.ts";
import { appNameProblem } from "./directives.ts";
import { mergeDeclarations } from "./merge.ts";
import { addressOf, type Definition, Module, placeModules, totalSizes } from "./placement.ts";
import { joinSections, type LinkedSections, relocate } from "./relocation.ts";

/** What the command line may say about an image. It wins over what the sources say. */
export interface LinkOptions {
  appName?: string;
  /** App name when neither the option nor a source gives one; else the stem of the first file. */
  defaultName?: string;
  /** The image may be loaded once only. */
  singleInstance?: boolean;
  /** HxeCap bits to add. */
  caps?: number;
  mailboxForm?: MailboxForm;
  stackBytes?: number;
  /** Text of a manifest to embed, and its name for messages. */
  manifest?: { text: string; file: string };
}

/** A symbol of the linked image. `address` is a byte offset into the code, or a data address. */
export interface LinkedSymbol {
  name: string;
  section: SectionName;
  address: number;
  file: string;
  exported: boolean;
}

/** A piece of source and where its bytes lie in the linked image. */
export interface LinkedLine {
  file: string;
  line: number;
  text: string;
  section: SectionName;
  address: number;
  size: number;
}

export interface LinkResult {
  /** The file. Present when there are no diagnostics, like `hxe`. */
  image?: Uint8Array;
  hxe?: HxeImage;
  /** By address, code before data. */
  symbols: LinkedSymbol[];
  /** In the order of the image; objects read from files have none. */
  lines: LinkedLine[];
  diagnostics: Diagnostic[];
}

/** Links objects to an image. Bad input gives diagnostics, never an exception. */
export function link(objects: readonly HxoObject[], options: LinkOptions = {}): LinkResult {
  return new Linker(objects, options).link();
}

class Linker {
  private readonly modules: Module[];
  private readonly exported = new Map<string, Definition>();
  private readonly diagnostics: Diagnostic[] = [];

  constructor(
    objects: readonly HxoObject[],
    private readonly options: LinkOptions,
  ) {
    this.modules = objects.map((object) => new Module(object));
  }

  link(): LinkResult {
    if (this.modules.length === 0) throw new Error("link: no objects");
    this.collectExports();
    this.reportUndefined();
    placeModules(this.modules, this.lookup);
    const sections = joinSections(this.modules);
    relocate(this.modules, sections, this.lookup, this.report);
    const hxe = this.buildImage(sections);
    const found = { symbols: this.listSymbols(), lines: this.listLines() };
    const diagnostics = sortDiagnostics(this.diagnostics);
    if (hxe === undefined || diagnostics.length > 0) return { ...found, diagnostics };
    return { ...found, image: encodeHxe(hxe), hxe, diagnostics };
  }

  private readonly report = (
    at: Position,
    code: string,
    message: string,
    remedy?: string,
  ): void => {
    this.diagnostics.push({ ...at, code, message, ...(remedy === undefined ? {} : { remedy }) });
  };

  private get first(): Module {
    return this.modules[0] as Module;
  }

  // ---- Symbols ----

  private readonly lookup = (module: Module, name: string): Definition | undefined => {
    const { localSymbols, symbols } = module.object;
    const own = localSymbols.get(name) ?? symbols.get(name);
    return own === undefined ? this.exported.get(name) : { ...own, module };
  };

  private collectExports(): void {
    for (const module of this.modules) {
      const { file, symbols } = module.object;
      for (const [name, symbol] of symbols) {
        const other = this.exported.get(name);
        if (other === undefined) {
          this.exported.set(name, { ...symbol, module });
          continue;
        }
        const message = `"${name}" is exported by both ${other.module.object.file} and ${file}`;
        this.report(
          wholeFile(file),
          "duplicate-symbol",
          message,
          "rename one or stop exporting it",
        );
      }
    }
  }

  private reportUndefined(): void {
    for (const module of this.modules) {
      const { file, relocs, imports } = module.object;
      const uses = [
        ...relocs.map((r) => ({ name: r.symbol, at: r.at ?? wholeFile(file) })),
        ...imports.map((name) => ({ name, at: wholeFile(file) })),
      ];
      const told = new Set<string>();
      for (const { name, at } of uses) {
        if (told.has(name) || this.lookup(module, name) !== undefined) continue;
        told.add(name);
        const message = `"${name}" is not exported by any linked file`;
        const known = [...this.exported.keys(), ...module.object.localSymbols.keys()];
        const otherwise = `link the file that has ".export ${name}"`;
        this.report(at, "undefined-symbol", message, suggest(name, known, otherwise));
      }
    }
  }

  private listSymbols(): LinkedSymbol[] {
    const symbols = this.modules.flatMap((module) => {
      const { file, localSymbols, symbols: own } = module.object;
      return [...new Map([...own, ...localSymbols])].map(([name, symbol]) => ({
        name,
        section: symbol.section,
        address: addressOf({ ...symbol, module }),
        file,
        exported: own.has(name),
      }));
    });
    const rank = { text: 0, data: 1, bss: 2 };
    return symbols.sort(
      (a, b) =>
        rank[a.section] - rank[b.section] || a.address - b.address || (a.name < b.name ? -1 : 1),
    );
  }

  private listLines(): LinkedLine[] {
    return this.modules.flatMap((module) =>
      module.object.lines.map((line) => {
        const { section, offset, size, ...rest } = line;
        const start = module.offsetOf({ section, offset });
        const end = module.offsetOf({ section, offset: offset + size });
        return { ...rest, section, address: module.baseOf(section) + start, size: end - start };
      }),
    );
  }

  // ---- The image ----

  private buildImage(sections: LinkedSections): HxeImage | undefined {
    this.checkSizes();
    const manifest = this.chooseManifest();
    const single = this.options.singleInstance || this.any((m) => m.single === true);
    const image: HxeImage = {
      version: 2,
      flags: (single ? 0 : HxeFlag.MULTIPLE) | (manifest === undefined ? 0 : HxeFlag.MANIFEST),
      entry: this.chooseEntry(),
      bssSize: totalSizes(this.modules).bss,
      reqCaps: this.mergeCaps(),
      appName: this.chooseName(),
      code: bytesOf(sections.code),
      rodata: sections.rodata,
      sections: this.buildSections(),
    };
    if (manifest !== undefined) image.manifest = manifest;
    return this.diagnostics.length > 0 ? undefined : image;
  }

  private get whole(): Position {
    return wholeFile(this.first.object.file);
  }

  private any(test: (metadata: HxoMetadata) => boolean): boolean {
    return this.modules.some((m) => test(m.object.metadata));
  }

  private checkSizes(): void {
    const size = totalSizes(this.modules);
    if (size.text === 0) {
      const remedy = "write at least one instruction in .text";
      this.report(this.whole, "no-code", "there is no code to run", remedy);
    }
    if (size.text > HXE_CODE_MAX) {
      const message = `the code takes ${size.text} bytes, at most ${HXE_CODE_MAX} are possible`;
      this.report(this.whole, "section-full", message);
    }
    const stack = this.chooseStack() ?? 0;
    const room = (stack > 0 ? STACK_TOP - stack : HXE_DATA_MAX) - DATA_ORIGIN;
    const data = size.data + size.bss;
    if (data <= room) return;
    const beside = stack > 0 ? ` beside a stack of ${stack}` : "";
    const message = `.data and .bss take ${data} bytes, there is room for ${room}${beside}`;
    this.report(this.whole, "section-full", message);
  }

  /** Exported `_start`; else the first exported entry symbol; else the first object's own entry. */
  private chooseEntry(): number {
    const start = this.exported.get("_start");
    const entry = start ?? this.exportedEntry();
    if (entry !== undefined && entry.section !== "text") {
      this.report(this.whole, "not-code", "the entry is not a label in .text");
      return 0;
    }
    if (entry !== undefined) return addressOf(entry);
    this.refuseHiddenEntry();
    const offset = this.first.codeOffset(this.first.object.entry);
    if (offset % 4 !== 0 || (offset >= this.first.codeSize && offset > 0)) {
      const message = `entry ${offset} is not a multiple of 4 inside ${this.first.codeSize} bytes of code`;
      this.report(this.whole, "bad-entry", message);
    }
    return offset;
  }

  private exportedEntry(): Definition | undefined {
    return this.modules
      .map((m) => m.object.entrySymbol)
      .map((name) => (name === undefined ? undefined : this.exported.get(name)))
      .find((definition) => definition !== undefined);
  }

  /** A later object's entry that is not exported would be passed over in silence. */
  private refuseHiddenEntry(): void {
    if (this.first.object.entrySymbol !== undefined || this.first.object.entry !== 0) return;
    const hidden = this.modules.find((m) => m.object.entrySymbol !== undefined);
    if (hidden === undefined) return;
    const { file, entrySymbol } = hidden.object;
    const message = `the entry "${entrySymbol}" is not exported, so ${this.first.object.file} would start`;
    const remedy = `write ".export ${entrySymbol}", or name ${file} first`;
    this.report(wholeFile(file), "hidden-entry", message, remedy);
  }

  private mergeCaps(): number {
    const lengthened = this.modules.some((m) => m.long.size > 0);
    const caps = this.modules.map((m) => m.object.metadata.caps);
    const all = [this.options.caps ?? 0, lengthened ? HxeCap.LONG_BRANCH : 0, ...caps];
    return all.reduce((sum, bits) => (sum | bits) >>> 0, 0);
  }

  private chooseName(): string {
    const stem = basename(this.first.object.file).replace(/\.[^.]*$/, "");
    const declared = this.only("app name", (m) => m.appName);
    const name = this.options.appName ?? declared ?? this.options.defaultName ?? stem;
    const problem = appNameProblem(name);
    if (problem === undefined) return name;
    const remedy = 'give it another name: .app "name"';
    this.report(this.whole, "bad-app-name", problem, remedy);
    return "";
  }

  private chooseStack(): number | undefined {
    return this.options.stackBytes ?? this.only("stack size", (m) => m.stackBytes);
  }

  private chooseManifest(): Uint8Array | undefined {
    const declared = this.only("manifest", (m) => m.manifest);
    const { manifest: given } = this.options;
    if (given === undefined) {
      return declared === undefined ? undefined : new TextEncoder().encode(declared);
    }
    const { manifest, diagnostics } = compactManifest(given.text, given.file);
    this.diagnostics.push(...diagnostics);
    return manifest === undefined ? undefined : new TextEncoder().encode(manifest);
  }

  /** What one object declares for the whole image; two that differ are reported. */
  private only<T>(what: string, read: (m: HxoMetadata) => T | undefined): T | undefined {
    const owners = this.modules.filter((m) => read(m.object.metadata) !== undefined);
    const [first] = owners;
    if (first === undefined) return undefined;
    const value = read(first.object.metadata);
    const other = owners.find((m) => read(m.object.metadata) !== value);
    if (other !== undefined) {
      const message = `the ${what} is declared differently in ${first.object.file}`;
      this.report(wholeFile(other.object.file), "duplicate-declaration", message);
    }
    return value;
  }

  private buildSections(): HxeSection[] {
    const { mailboxForm } = this.options;
    const metadata: HxeMetadata = mergeDeclarations(
      this.modules,
      this.lookup,
      mailboxForm,
      this.report,
    );
    const stack = this.chooseStack();
    if (stack !== undefined) metadata.stackBytes = stack;
    try {
      return encodeMetadata(metadata);
    } catch (e) {
      if (!(e instanceof MetadataFailure)) throw e;
      this.report(this.whole, "section-full", e.message);
      return [];
    }
  }
}

function bytesOf(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setUint32(4 * i, word);
  });
  return bytes;
}
