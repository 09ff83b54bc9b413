// The arena, for its tests. Owning fields are 16-bit words of the I/O buffer.

import * as arena from "../../assembly/arena";
import { IO_BASE } from "../../assembly/layout";

function owner(n: i32): usize {
  return IO_BASE + ((<usize>n) << 1);
}
export function allocate(bytes: i32, n: i32): bool {
  return arena.arenaAllocate(bytes, owner(n));
}
export function release(n: i32): void {
  arena.arenaRelease(owner(n));
}
export function settle(): void {
  arena.arenaSettle();
}
export function hasHoles(): bool {
  return arena.arenaHasHoles();
}
export function step(): void {
  arena.arenaStep();
}
export function address(n: i32): usize {
  return arena.arenaAddress(load<u16>(owner(n)));
}
export function free(): usize {
  return arena.arenaFree();
}
export function cost(bytes: i32): usize {
  return arena.arenaCost(bytes);
}
