// The deepest stack of a program: frames by -fstack-usage, calls by the disassembly, interrupts on top.

/** What the bound is made of. */
export interface StackBound {
  readonly bytes: number;
  /** From main to the deepest function. */
  readonly path: readonly string[];
  /** The deepest interrupt routine with what it calls and what its entry stacks; interrupts do not nest. */
  readonly interrupt: { readonly name: string; readonly bytes: number };
}

/** What differs between the instruction sets. */
export interface Dialect {
  /** Bytes of a return address that lies beside what an instruction pushes. */
  readonly returnBytes: number;
  /** Bytes that the entry of an interrupt stacks. */
  readonly entryBytes: number;
  readonly isHandler: (name: string) => boolean;
  /** Bytes that an instruction takes from the stack in a routine without a C frame. */
  readonly pushed: (mnemonic: string, operands: string) => number;
  /** Whether an instruction goes where a register says, in another routine. */
  readonly isIndirect: (mnemonic: string, operands: string) => boolean;
  /** Address of a call or jump; undefined: it is neither. */
  readonly target: (mnemonic: string, operands: string) => number | undefined;
}

const AVR_TARGET = /; 0x([0-9a-f]+)/;
export const AVR: Dialect = {
  returnBytes: 2, // -fstack-usage counts it
  entryBytes: 0,
  isHandler: (name) => /^__vector_\d+$/.test(name),
  pushed: (mnemonic) => (mnemonic === "push" ? 1 : 0),
  isIndirect: (mnemonic) => mnemonic.endsWith("icall"),
  target: (mnemonic, operands) => {
    if (!/^r?(call|jmp)$/.test(mnemonic)) return undefined;
    return Number.parseInt(AVR_TARGET.exec(operands)?.[1] ?? "", 16);
  },
};

/** Registers of a list: {r4, r5, lr} and {r4-r7}. */
function registersIn(list: string): number {
  return list.split(",").reduce((count, item) => {
    const [, from, to] = /r(\d+)-r(\d+)/.exec(item) ?? [];
    return count + (from === undefined ? 1 : Number(to) - Number(from) + 1);
  }, 0);
}
const THUMB_TARGET = /^(?:\w+, )?([0-9a-f]+)\b/;
export const THUMB: Dialect = {
  returnBytes: 0, // pushed like other registers
  entryBytes: 36, // eight words, and one so that SP is aligned (ARM DDI 0403, B1.5.6)
  isHandler: (name) => /^(systick|usart1|can_rx0)_handler$/.test(name),
  pushed: (mnemonic, operands) => {
    const list = /\{(.*)\}/.exec(operands)?.[1];
    const isPush = mnemonic === "push" || (mnemonic.startsWith("stmdb") && /^sp!/.test(operands));
    if (isPush && list !== undefined) return 4 * registersIn(list);
    const [, bytes] = /^sub/.test(mnemonic) ? (/^sp,(?: sp,)? #(\d+)/.exec(operands) ?? []) : [];
    return Number(bytes ?? 0);
  },
  isIndirect: (mnemonic, operands) =>
    /^blx?$|^bx$/.test(mnemonic) && /^(r\d|ip|fp|sl)/.test(operands),
  target: (mnemonic, operands) => {
    if (!/^(bl|cbn?z|b(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?)(\.[nw])?$/.test(mnemonic))
      return undefined;
    return Number.parseInt(THUMB_TARGET.exec(operands)?.[1] ?? "", 16);
  },
};

interface Routine {
  readonly name: string;
  readonly calls: Set<number>;
  /** A routine that leaves on the stack what it pushes. */
  saving: number | undefined;
  pushes: number;
  /** It goes where a register says. */
  isIndirect: boolean;
}

/** A symbol that is a function or has a size; others are labels inside routines of the libraries. */
const SYMBOL = /^([0-9a-f]{8}) .{6}(.) \.text\t([0-9a-f]{8}) (?:\.hidden )?(\S+)$/gm;
const INSTRUCTION = /^ *([0-9a-f]+):\t([\w.]+)(?:\t(.*))?$/;
/** Entry and exit that functions share, gcc's and the core's: what they push counts as part of the frame. */
const SHARED = /^(__(prologue_saves|epilogue_restores)__|(save|restore)_r\d+(\.copy\d+)?)$/;
const SAVING = /^save_r/;

/** Frames in bytes by function, from the texts of .su files. Two of one name: the larger. */
export function readFrames(texts: readonly string[]): Map<string, number> {
  const frames = new Map<string, number>();
  for (const line of texts.flatMap((text) => text.split("\n")).filter((text) => text !== "")) {
    const [place = "", bytes = "", kind = ""] = line.split("\t");
    const name = place.split(":").at(-1) ?? "";
    if (kind === "dynamic") throw new Error(`${place}: a frame without a bound`);
    frames.set(name, Math.max(Number(bytes), frames.get(name) ?? 0));
  }
  return frames;
}

/** Routines by address, from the symbol table and the instructions of `objdump -t -d --no-show-raw-insn`. */
class Program {
  readonly routines = new Map<number, Routine>();
  private readonly starts: number[];

  constructor(
    dump: string,
    private readonly dialect: Dialect,
  ) {
    for (const [, address = "", type, size = "", name = ""] of dump.matchAll(SYMBOL)) {
      if (type !== "F" && Number.parseInt(size, 16) === 0) continue;
      this.routines.set(Number.parseInt(address, 16), {
        name,
        calls: new Set(),
        saving: undefined,
        pushes: 0,
        isIndirect: false,
      });
    }
    this.starts = [...this.routines.keys()].sort((a, b) => a - b);
    for (const line of dump.split("\n")) {
      const [, address, mnemonic = "", operands = ""] = INSTRUCTION.exec(line) ?? [];
      if (address !== undefined) this.note(Number.parseInt(address, 16), mnemonic, operands);
    }
  }

  /** First address of the routine that an address is in. */
  private startOf(address: number): number | undefined {
    return this.starts.findLast((start) => start <= address);
  }

  private note(address: number, mnemonic: string, operands: string): void {
    const { dialect } = this;
    const own = this.startOf(address);
    const routine = this.routines.get(own ?? -1);
    if (routine === undefined) return;
    routine.pushes += dialect.pushed(mnemonic, operands);
    if (dialect.isIndirect(mnemonic, operands)) routine.isIndirect = true;
    const to = dialect.target(mnemonic, operands);
    if (to === undefined || to === 0) return; // 0: an interrupt nobody handles restarts the program
    const target = this.startOf(to);
    if (target === undefined) throw new Error(`${routine.name}: ${mnemonic} to nowhere`);
    // rcall .+0 makes room on the stack, which counts as part of the frame
    const isOwnStart = mnemonic.endsWith("call") && to === own;
    const isShared = SHARED.test(this.routines.get(target)?.name ?? "");
    if (SAVING.test(this.routines.get(target)?.name ?? "")) routine.saving = target;
    if ((target !== own || isOwnStart) && !isShared) routine.calls.add(target);
  }
}

interface Depth {
  readonly bytes: number;
  readonly path: readonly string[];
}

class Depths {
  private readonly known = new Map<number, Depth>();

  constructor(
    private readonly program: Program,
    private readonly frames: Map<string, number>,
    private readonly returnBytes: number,
  ) {}

  /** gcc writes the frame of a part of a function under the function's name; a library routine has none. */
  private frame(routine: Routine): number {
    const bare = routine.name.replace(/\.(constprop|isra|part|cold|copy).*$/, "");
    const frame = this.frames.get(routine.name) ?? this.frames.get(bare) ?? 0;
    const saved = this.program.routines.get(routine.saving ?? -1)?.pushes ?? 0;
    return Math.max(frame, routine.pushes + saved + this.returnBytes);
  }

  of(address: number, above: readonly Routine[] = []): Depth {
    const before = this.known.get(address);
    if (before !== undefined) return before;
    const routine = this.program.routines.get(address) as Routine;
    if (routine.isIndirect) throw new Error(`${routine.name}: a call through a pointer`);
    const callers = [...above, routine];
    if (above.includes(routine))
      throw new Error(`recursion: ${callers.map(({ name }) => name).join(" > ")}`);
    let deepest: Depth = { bytes: 0, path: [] };
    for (const callee of routine.calls) {
      const depth = this.of(callee, callers);
      if (depth.bytes > deepest.bytes) deepest = depth;
    }
    const bytes = this.frame(routine) + deepest.bytes;
    const result = { bytes, path: [routine.name, ...deepest.path] };
    this.known.set(address, result);
    return result;
  }
}

/** Bounds the stack of a program whose main() never returns. */
export function boundStack(
  dump: string,
  frames: Map<string, number>,
  dialect: Dialect = AVR,
): StackBound {
  const program = new Program(dump, dialect);
  const depths = new Depths(program, frames, dialect.returnBytes);
  let main: Depth | undefined;
  let interrupt = { name: "none", bytes: 0 };
  for (const [address, { name }] of program.routines) {
    if (name === "main") main = depths.of(address);
    if (!dialect.isHandler(name)) continue;
    const bytes = depths.of(address).bytes + dialect.entryBytes;
    if (bytes > interrupt.bytes) interrupt = { name, bytes };
  }
  if (main === undefined) throw new Error("no main()");
  return { bytes: main.bytes + interrupt.bytes, path: main.path, interrupt };
}
