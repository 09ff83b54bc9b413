// RAM files: one flat table of named byte sequences for the whole node, and the descriptors tasks opened on them.
//
// Indexes of files are those of the table. Buffers and names may lie in the arena if it has no holes when a function
// is called (arena.ts); whatever frees memory leaves a hole for the caller to close.
//
// File, 12 bytes; the entry behind the last is the file being rebuilt
//  0  ref         u16  arena ref of its name with its data behind; 0: a free entry
//  2  nameLength  u16
//  4  size        u32  bytes of data
//  8  room        u32  bytes of data its block holds, those beyond `size` zero
//
// OpenFile, 8 bytes
//  0  fd        u16  from 3; 0: a free entry
//  2  pid       u8   who opened it; any task may use it
//  3  file      u8   1 + index of the file; 0: it was deleted
//  4  position  u32

import {
  ARENA_HEADER_SIZE,
  arenaAddress,
  arenaAdopt,
  arenaAllocate,
  arenaFree,
  arenaRelease,
  arenaSettle,
} from "../arena";
import {
  ARENA_SIZE,
  FILE_MAX,
  FILE_SIZE,
  FILES_BASE,
  OPEN_FILE_MAX,
  OPEN_FILE_SIZE,
  OPEN_FILES_BASE,
} from "../layout";
import { nodeAt } from "../node";
import { refuseFull, refuseMemory } from "../refusal";
import { Err } from "../spec/errors";
import { Resource } from "../spec/node";


@unmanaged
class File {
  ref: u16 = 0;
  nameLength: u16 = 0;
  size: u32 = 0;
  room: u32 = 0;
}
if (offsetof<File>("room") != 8) ERROR("File.room: offset");
if (offsetof<File>() != FILE_SIZE) ERROR("File: size");


@unmanaged
class OpenFile {
  fd: u16 = 0;
  pid: u8 = 0;
  file: u8 = 0;
  position: u32 = 0;
}
if (offsetof<OpenFile>("position") != 4) ERROR("OpenFile.position: offset");
if (offsetof<OpenFile>() != OPEN_FILE_SIZE) ERROR("OpenFile: size");

/** 0, 1 and 2 are the streams of a task. */
const FD_FIRST: u16 = 3;
/** The entry in which a file is rebuilt. */
const SPARE: usize = FILE_MAX;
/** Bytes of data a new file has room for. */
const ROOM_FIRST: u32 = 32;

const DOT: u8 = 0x2e;
const SLASH: u8 = 0x2f;
const COLON: u8 = 0x3a;
const BACKSLASH: u8 = 0x5c;
const LINE_FEED: u8 = 0x0a;

function fileAt(index: usize): File {
  return changetype<File>(FILES_BASE + index * FILE_SIZE);
}
/** Address of the field that owns a file's block: `ref`, its first. */
function refField(index: usize): usize {
  return FILES_BASE + index * FILE_SIZE;
}
function openFileAt(place: usize): OpenFile {
  return changetype<OpenFile>(OPEN_FILES_BASE + place * OPEN_FILE_SIZE);
}

/** Address of a file's name. */
export function fileName(index: usize): usize {
  return arenaAddress(fileAt(index).ref);
}
export function fileNameLength(index: usize): usize {
  return fileAt(index).nameLength;
}
/** Address of a file's data. */
export function fileData(index: usize): usize {
  return fileName(index) + fileNameLength(index);
}
/** Bytes of a file's data. */
export function fileSize(index: usize): u32 {
  return fileAt(index).size;
}

// ---- Names ----

/** Less than 0, 0 or more than 0, by bytes: in UTF-8 the order of code points. */
function compare(a: usize, aLength: usize, b: usize, bLength: usize): i32 {
  const common = aLength < bLength ? aLength : bLength;
  for (let i: usize = 0; i < common; i++) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (difference != 0) return difference;
  }
  return <i32>aLength - <i32>bLength;
}

function compareFiles(a: usize, b: usize): i32 {
  return compare(fileName(a), fileNameLength(a), fileName(b), fileNameLength(b));
}

/** Index of the file of a name. NOT_FOUND. */
export function fileFind(name: usize, length: usize): i32 {
  for (let i: usize = 0; i < FILE_MAX; i++) {
    if (fileAt(i).ref == 0) continue;
    if (compare(fileName(i), fileNameLength(i), name, length) == 0) return <i32>i;
  }
  return Err.NOT_FOUND;
}

/** Index of the file that follows file `previous` in the order of names; -1: the first of all. NOT_FOUND: there is none. */
export function fileAfter(previous: i32): i32 {
  let next: i32 = Err.NOT_FOUND;
  for (let i: usize = 0; i < FILE_MAX; i++) {
    if (fileAt(i).ref == 0) continue;
    if (previous >= 0 && compareFiles(i, previous) <= 0) continue;
    if (next < 0 || compareFiles(i, next) < 0) next = <i32>i;
  }
  return next;
}

/** Files there are. */
export function fileCount(): u32 {
  let count: u32 = 0;
  for (let i: usize = 0; i < FILE_MAX; i++) {
    if (fileAt(i).ref != 0) count++;
  }
  return count;
}

function isSpace(c: u8): bool {
  return c == 0x20 || (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f);
}

/** True for a relative path without drive and `..`, as the reference reads it: blank ends do not count, `\` is `/`. */
function isSafePath(path: usize, length: usize): bool {
  let end = path + length;
  while (path < end && isSpace(load<u8>(path))) path++;
  while (path < end && isSpace(load<u8>(end - 1))) end--;
  let part = path;
  for (let at = path; at <= end; at++) {
    const c = at == end ? SLASH : load<u8>(at);
    if (c == COLON) return false;
    if (c != SLASH && c != BACKSLASH) continue;
    if (at == path && at != end) return false;
    if (at - part == 2 && load<u8>(part) == DOT && load<u8>(part + 1) == DOT) return false;
    part = at + 1;
  }
  return length != 0;
}

// ---- Blocks ----

/** Begins a file of this name, without data but with room for `room` bytes, in the spare entry. INVALID, NO_MEMORY. */
function beginFile(name: usize, nameLength: usize, room: u32): i32 {
  if (nameLength > 0xffff) return Err.INVALID;
  const bytes = nameLength + room;
  if (!arenaAllocate(bytes, refField(SPARE))) return refuseMemory(bytes);
  const spare = fileAt(SPARE);
  spare.nameLength = <u16>nameLength;
  spare.room = room;
  memory.copy(fileName(SPARE), name, nameLength);
  return Err.OK;
}

/** Puts the file of the spare entry in the place of file `index`, or into that free entry. */
function replaceFile(index: usize): void {
  arenaRelease(refField(index));
  memory.copy(refField(index), refField(SPARE), FILE_SIZE);
  memory.fill(refField(SPARE), 0, FILE_SIZE);
  arenaAdopt(refField(index));
}

/** Gives the spare file the data of file `index`, whose place it then takes. */
function takeOver(index: usize): void {
  const size = fileSize(index);
  memory.copy(fileData(SPARE), fileData(index), size);
  fileAt(SPARE).size = size;
  replaceFile(index);
}

/** Gives a file room for `bytes` bytes and some more, or if that is too much for as many as there is memory for. */
function growFile(index: usize, bytes: u32): void {
  const f = fileAt(index);
  if (bytes <= f.room) return;
  arenaSettle(); // now, or its name would move away while it is copied
  const fixed: usize = ARENA_HEADER_SIZE + f.nameLength;
  const free = arenaFree();
  let room = bytes + (bytes >>> 2);
  if (free < fixed + room) room = free < fixed ? 0 : <u32>(free - fixed);
  if (room > f.room && beginFile(fileName(index), f.nameLength, room) == 0) takeOver(index);
}

/** Writes at a position, the gap before which is zero, and returns the bytes there was room for. */
function writeFile(index: usize, position: u32, data: usize, length: u32): u32 {
  const f = fileAt(index);
  growFile(index, position + length);
  const left = position < f.room ? f.room - position : 0;
  const bytes = length < left ? length : left;
  memory.copy(fileData(index) + position, data, bytes);
  if (bytes != 0 && position + bytes > f.size) f.size = position + bytes;
  return bytes;
}

/** Index of a free entry. FULL. */
function freeFile(): i32 {
  for (let i: usize = 0; i < FILE_MAX; i++) {
    if (fileAt(i).ref == 0) return <i32>i;
  }
  return refuseFull(Err.FULL, Resource.FILES, <u32>FILE_MAX + 1, <u32>FILE_MAX);
}

/** Makes an empty file and returns its index. FULL, NO_MEMORY. */
function createFile(name: usize, length: usize): i32 {
  const index = freeFile();
  if (index < 0) return index;
  const err = beginFile(name, length, ROOM_FIRST);
  if (err < 0) return err;
  replaceFile(index);
  return index;
}

// ---- Descriptors ----

/** Place of a descriptor. NOT_FOUND. */
function findOpen(fd: u32): i32 {
  if (fd < <u32>FD_FIRST) return Err.NOT_FOUND;
  for (let place: usize = 0; place < OPEN_FILE_MAX; place++) {
    if (openFileAt(place).fd == fd) return <i32>place;
  }
  return Err.NOT_FOUND;
}

function freePlace(): i32 {
  for (let place: usize = 0; place < OPEN_FILE_MAX; place++) {
    if (openFileAt(place).fd == 0) return <i32>place;
  }
  return refuseFull(Err.FULL, Resource.FILES, <u32>OPEN_FILE_MAX + 1, <u32>OPEN_FILE_MAX);
}

/** The next number of a descriptor. After 65,535 they start over and pass by those in use. */
function nextFd(): u16 {
  const node = nodeAt();
  let fd: u16;
  do {
    fd = node.nextFile < FD_FIRST ? FD_FIRST : node.nextFile;
    node.nextFile = fd + 1;
  } while (findOpen(fd) >= 0);
  return fd;
}

function clearOpen(place: usize): void {
  memory.fill(OPEN_FILES_BASE + place * OPEN_FILE_SIZE, 0, OPEN_FILE_SIZE);
}

/** Opens a file, which is made if need be, at its start, and returns the descriptor. INVALID: an unsafe path. FULL, NO_MEMORY. */
export function fileOpen(pid: u32, name: usize, length: usize): i32 {
  if (!isSafePath(name, length)) return Err.INVALID;
  const place = freePlace();
  if (place < 0) return place;
  let index = fileFind(name, length);
  if (index < 0) index = createFile(name, length);
  if (index < 0) return index;
  const o = openFileAt(place);
  o.fd = nextFd();
  o.pid = <u8>pid;
  o.file = <u8>(index + 1);
  return o.fd;
}

/** Closes a descriptor. NOT_FOUND. */
export function fileClose(fd: u32): i32 {
  const place = findOpen(fd);
  if (place < 0) return place;
  clearOpen(place);
  return Err.OK;
}

/** Closes what a task opened. The files stay: they are the node's. */
export function filesRelease(pid: u32): void {
  for (let place: usize = 0; place < OPEN_FILE_MAX; place++) {
    if (openFileAt(place).fd != 0 && openFileAt(place).pid == pid) clearOpen(place);
  }
}

/** Bytes between the position of a descriptor and the end of its file; 0, too, when that was deleted. NOT_FOUND. */
export function fileLeft(fd: u32): i32 {
  const place = findOpen(fd);
  if (place < 0) return place;
  const o = openFileAt(place);
  if (o.file == 0) return 0;
  const size = fileSize(o.file - 1);
  return o.position < size ? <i32>(size - o.position) : 0;
}

/** Copies up to `max` bytes from the position of a descriptor on, and returns how many. NOT_FOUND. */
export function fileRead(fd: u32, to: usize, max: u32): i32 {
  const left = fileLeft(fd);
  if (left <= 0) return left;
  const o = openFileAt(findOpen(fd));
  const bytes = <u32>left < max ? <u32>left : max;
  memory.copy(to, fileData(o.file - 1) + o.position, bytes);
  o.position += bytes;
  return bytes;
}

/**
 * Writes at the position of a descriptor and returns how many bytes: fewer than `length` when memory ran out,
 * 0 when the file was deleted. `length` at most 65,535. NOT_FOUND.
 */
export function fileWrite(fd: u32, data: usize, length: u32): i32 {
  const place = findOpen(fd);
  if (place < 0) return place;
  const o = openFileAt(place);
  if (o.file == 0) return 0;
  const bytes = writeFile(o.file - 1, o.position, data, length);
  o.position += bytes;
  return bytes;
}

// ---- The table as a whole ----

/** Deletes a file; descriptors on it read and write nothing from then on. NOT_FOUND. */
export function fileDelete(name: usize, length: usize): i32 {
  const index = fileFind(name, length);
  if (index < 0) return index;
  arenaRelease(refField(index));
  memory.fill(refField(index), 0, FILE_SIZE);
  for (let place: usize = 0; place < OPEN_FILE_MAX; place++) {
    const o = openFileAt(place);
    if (o.file == index + 1) o.file = 0;
  }
  return Err.OK;
}

/** Renames a file; descriptors on it stay. NOT_FOUND, EXISTS: the new name is taken. INVALID, NO_MEMORY: no room to rebuild it. */
export function fileRename(name: usize, length: usize, to: usize, toLength: usize): i32 {
  const index = fileFind(name, length);
  if (index < 0) return index;
  if (fileFind(to, toLength) >= 0) return Err.EXISTS;
  const err = beginFile(to, toLength, fileAt(index).room);
  if (err < 0) return err;
  takeOver(index);
  return Err.OK;
}

/** Bytes of the list of all names. */
export function fileListLength(): u32 {
  let bytes: u32 = 0;
  for (let i: usize = 0; i < FILE_MAX; i++) {
    if (fileAt(i).ref != 0) bytes += <u32>fileNameLength(i) + 1;
  }
  return bytes == 0 ? 0 : bytes - 1;
}

/** Writes the first `length` bytes, at most fileListLength(), of the list: the names in order, a line feed between two. */
export function fileList(to: usize, length: u32): void {
  const end = to + length;
  for (let i = fileAfter(-1); i >= 0 && to < end; i = fileAfter(i)) {
    const bytes = fileNameLength(i);
    const left = end - to;
    memory.copy(to, fileName(i), bytes < left ? bytes : left);
    to += bytes;
    if (to < end) store<u8>(to++, LINE_FEED);
  }
}

// ---- For the host ----

/**
 * Puts a file of any name and returns its index; one of that name is replaced, and descriptors on it keep their
 * positions. INVALID: no name, or more than 65,535 bytes of it. TOO_LARGE, FULL, NO_MEMORY: all is as it was.
 */
export function filePut(name: usize, nameLength: usize, data: usize, length: u32): i32 {
  if (nameLength == 0) return Err.INVALID;
  if (<usize>length > ARENA_SIZE) return Err.TOO_LARGE;
  let index = fileFind(name, nameLength);
  if (index < 0) index = freeFile();
  if (index < 0) return index;
  const err = beginFile(name, nameLength, length);
  if (err < 0) return err;
  memory.copy(fileData(SPARE), data, length);
  fileAt(SPARE).size = length;
  replaceFile(index);
  return index;
}

/** Appends to file `index` and returns how many bytes there was room for: files larger than the I/O buffer come in pieces. */
export function fileAppend(index: usize, data: usize, length: u32): i32 {
  if (index >= FILE_MAX || fileAt(index).ref == 0) return Err.NOT_FOUND;
  if (<usize>length > ARENA_SIZE) return Err.TOO_LARGE;
  return writeFile(index, fileSize(index), data, length);
}
