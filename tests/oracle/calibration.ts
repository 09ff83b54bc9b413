// What calibration must be after saves, trials and power cuts: a plain model of what each key may hold.

/** What an app declares of the value under a key. Numbers are exact as binary16. */
export interface Declared {
  /** undefined: it tells none. */
  readonly unit: string | undefined;
  readonly init: number;
  readonly min: number;
  readonly max: number;
}
export type App = readonly Declared[];

/** What lies under a key. */
export interface Stored {
  readonly value: number | undefined;
  /** What the number is known to mean; undefined: nothing is known. */
  readonly unit: string | undefined;
  /** What the app in trial saved. */
  readonly shadow: number | undefined;
}

/** A save that may come, or have come. */
interface Save {
  readonly value: number;
  readonly unit: string | undefined;
  readonly isShadow: boolean;
  /** It is made only if this held when the app started. */
  readonly only?: (stored: Stored) => boolean;
}

interface Running {
  value: number;
  /** "maybe": that depends on which of the possible states was met. */
  isDirty: boolean | "maybe";
}

const EMPTY: Stored = { value: undefined, unit: undefined, shadow: undefined };

function clamped(value: number, { min, max }: Declared): number {
  return min === 0 && max === 0 ? value : Math.min(Math.max(value, min), max);
}
const differ = (a: string | undefined, b: string | undefined) =>
  a !== undefined && b !== undefined && a !== b;

function saved(stored: Stored, { value, unit, isShadow, only }: Save): Stored {
  if (only !== undefined && !only(stored)) return stored;
  if (isShadow) return { ...stored, shadow: value };
  return { ...stored, value, unit: unit ?? stored.unit };
}
/** What a cut may leave on the way from one state to the next. */
function halfSaved(stored: Stored, save: Save): Stored[] {
  if (save.isShadow || save.unit === undefined || save.unit === stored.unit) return [];
  if (stored.unit === undefined) return [{ ...stored, unit: save.unit }];
  const gone = { ...stored, value: undefined };
  return [gone, { ...gone, unit: save.unit }];
}

function unique(states: readonly Stored[]): Stored[] {
  return [...new Map(states.map((s) => [`${s.value}/${s.unit}/${s.shadow}`, s])).values()];
}

class Key {
  /** Every state the key may be in. */
  states: Stored[] = [EMPTY];
  /** Saves that will be made if nothing intervenes, in order. */
  due: Save[] = [];
  /** Saves that may have been made since the state was last known. */
  possible: Save[] = [];
  ram: Running = { value: 0, isDirty: false };
  /** What was confirmed last may have been merged by a node that runs no app. */
  isMerging = false;

  /** RAM is lost: each save may have been made or not. */
  lose(): void {
    for (const save of this.possible) {
      const more = this.states.flatMap((s) => [...halfSaved(s, save), saved(s, save)]);
      this.states = unique([...this.states, ...more]);
    }
    this.due = [];
    this.possible = [];
  }
  /** Some time has passed: what the app before had may have been saved. */
  wait(): void {
    for (const save of this.due.filter((s) => !s.isShadow)) {
      this.states = unique([...this.states, ...this.states.map((s) => saved(s, save))]);
    }
  }
  /** All saves were made. */
  settle(): void {
    for (const save of this.due) this.states = this.states.map((s) => saved(s, save));
    this.states = unique(this.states);
    this.due = [];
    this.possible = [];
    this.ram.isDirty = false;
    this.isMerging = false;
  }
  expect(save: Save): void {
    this.due = [
      ...this.due.filter((s) => s.isShadow !== save.isShadow || s.unit !== save.unit),
      save,
    ];
    this.possible.push(save);
  }
}

export class CalibrationModel {
  private readonly keys: Key[];
  isTrial = false;
  private app: App;

  constructor(app: App) {
    this.app = app;
    this.keys = app.map(() => new Key());
  }

  private declared(k: number): Declared {
    return this.app[k] as Declared;
  }
  private key(k: number): Key {
    return this.keys[k] as Key;
  }

  /** What an app starts from. */
  private start(k: number, stored: Stored): number {
    const declared = this.declared(k);
    if (this.isTrial && stored.shadow !== undefined) return stored.shadow;
    if (stored.value === undefined || differ(stored.unit, declared.unit)) return declared.init;
    return clamped(stored.value, declared);
  }
  private touch(k: number, only?: (stored: Stored) => boolean): void {
    const key = this.key(k);
    const { unit } = this.declared(k);
    key.ram.isDirty = only === undefined ? true : "maybe";
    const save = { value: key.ram.value, unit, isShadow: this.isTrial };
    key.expect(only === undefined ? save : { ...save, only });
  }

  // ---- What happens ----

  set(k: number, value: number): void {
    this.key(k).ram.value = value;
    this.touch(k);
  }
  /** Time enough for every save. */
  settle(): void {
    for (const key of this.keys) key.settle();
  }
  /** The node stops, whatever it was doing. */
  lose(): void {
    for (const key of this.keys) key.lose();
  }

  /** The app starts from what is stored. Returns what is wrong with the values it has. */
  restored(app: App, values: readonly number[]): string | undefined {
    this.app = app;
    return this.found(values, (k) => this.restore(k, values[k] as number));
  }
  private restore(k: number, value: number): readonly number[] {
    const key = this.key(k);
    const declared = this.declared(k);
    const may = key.states.map((s) => this.start(k, s));
    key.states = key.states.filter((s) => this.start(k, s) === value);
    key.ram = { value, isDirty: false };
    const { isTrial } = this;
    const isAdjusted = (s: Stored) => {
      if (s.value === undefined || differ(s.unit, declared.unit)) return false;
      if (isTrial) return s.shadow === undefined && s.value !== value;
      return s.value !== value || (s.unit === undefined && declared.unit !== undefined);
    };
    if (key.states.some(isAdjusted)) this.touch(k, isAdjusted);
    return may;
  }

  /** Another app takes the place of the one that runs, with what that had. Returns what is wrong. */
  replaced(app: App, isTrial: boolean, values: readonly number[]): string | undefined {
    const before = this.app;
    this.app = app;
    this.isTrial = isTrial;
    return this.found(values, (k) => this.replace(k, before[k] as Declared, values[k] as number));
  }
  private replace(k: number, before: Declared, value: number): readonly number[] {
    const key = this.key(k);
    const declared = this.declared(k);
    const { ram } = key;
    if (differ(before.unit, declared.unit)) {
      if (ram.isDirty === "maybe" && value === declared.init) key.wait();
      else if (ram.isDirty !== true) {
        key.wait();
        return this.restore(k, value);
      }
      key.ram = { value: declared.init, isDirty: false };
      return [declared.init];
    }
    key.ram = { value: clamped(ram.value, declared), isDirty: false };
    const isNew = before.unit === undefined && declared.unit !== undefined;
    if (key.ram.value !== ram.value || isNew) this.touch(k);
    return [key.ram.value];
  }

  private found(
    values: readonly number[],
    expected: (k: number) => readonly number[],
  ): string | undefined {
    for (let k = 0; k < this.keys.length; k++) {
      const may = expected(k);
      if (!may.includes(values[k] as number))
        return `key ${k} starts from ${values[k]} instead of ${[...new Set(may)].join(" or ")}`;
    }
    return undefined;
  }

  /** The app in trial was confirmed, and is running: what it saved becomes what is kept. */
  confirm(): void {
    this.isTrial = false;
    this.keys.forEach((key, k) => {
      const { unit } = this.declared(k);
      for (const save of key.possible.filter((s) => s.isShadow)) {
        key.states = unique([...key.states, ...key.states.map((s) => saved(s, save))]);
      }
      key.isMerging = key.states.some((s) => s.shadow !== undefined);
      key.states = unique(key.states.map((s) => merged(s, unit ?? s.unit)));
      const others = key.due.filter((s) => !s.isShadow);
      const adjusting = key.due.find((s) => s.isShadow);
      key.possible = key.possible.filter((s) => !s.isShadow);
      key.due = others;
      const last = key.ram.isDirty === "maybe" ? adjusting?.only : undefined;
      if (key.ram.isDirty !== false) this.touch(k, last);
    });
  }
  /** The power went while it was merged: that ends before any app runs, so that nobody tells the unit. */
  confirmLate(): void {
    for (const key of this.keys.filter((k) => k.isMerging)) {
      key.states = unique(key.states.flatMap((s) => [s, { ...s, unit: undefined }]));
    }
  }
  /** The app in trial is rolled back: all it saved or was about to save is gone. */
  rollBack(): void {
    this.isTrial = false;
    for (const key of this.keys) {
      key.states = unique(key.states.map((s) => ({ ...s, shadow: undefined })));
      key.wait();
      key.due = key.due.filter((s) => !s.isShadow);
      key.possible = key.possible.filter((s) => !s.isShadow);
      key.ram.isDirty = false;
    }
  }

  /** After settle(): what the cells hold. Returns what is wrong. */
  compare(cells: readonly Stored[]): string | undefined {
    for (const [k, key] of this.keys.entries()) {
      const cell = cells[k] as Stored;
      const same = (s: Stored) =>
        s.value === cell.value && s.shadow === cell.shadow && (s.unit ?? "") === (cell.unit ?? "");
      if (!key.states.some(same))
        return `key ${k} holds ${JSON.stringify(cell)} instead of ${JSON.stringify(key.states)}`;
      key.states = [cell];
    }
    return undefined;
  }
}

function merged(s: Stored, unit: string | undefined): Stored {
  return s.shadow === undefined ? s : { value: s.shadow, unit, shadow: undefined };
}
