// The manifest of a plant in its binary form, by number: what a card holds and a node reads in place. Explained in
// docs/manifest.md. All fields are little-endian; bytes that are not named are 0.

// ---- File: the header, nodes, apps, values, sum ----
/** Bytes of header, node and app records: eight of them fill a block of a card, and none crosses into the next. */
export const MANIFEST_RECORD_BYTES: u32 = 64;
/** Record n begins at n << this. */
export const MANIFEST_RECORD_LOG2: u32 = 6;
/** Bytes of a value record; the first follows the last app. */
export const MANIFEST_VALUE_BYTES: u32 = 8;
/** Bytes of the sum behind the last value: the CRC-32 of all before it. */
export const MANIFEST_SUM_BYTES: u32 = 4;
/** The CRC-32 of a whole manifest, its sum included, whatever it holds. */
export const MANIFEST_RESIDUE: u32 = 0x2144df1c;
/** Most records of each kind: all of them take 114,620 bytes. */
export const MANIFEST_NODES_MAX: u32 = 255;
export const MANIFEST_APPS_MAX: u32 = 1023;
export const MANIFEST_VALUES_MAX: u32 = 4095;

// ---- Header: record 0 ----
export const MANIFEST_MAGIC_OFF: u32 = 0; // u32 "HSXM"
export const MANIFEST_FORMAT_OFF: u32 = 4; // u8
export const MANIFEST_NODES_OFF: u32 = 5; // u8 number of nodes: records 1 and following
export const MANIFEST_APPS_OFF: u32 = 6; // u16 number of apps: the records behind the nodes
export const MANIFEST_VALUES_OFF: u32 = 8; // u16 number of values
export const MANIFEST_PLANT_OFF: u32 = 10; // u16 what the plant's name comes to, neither 0 nor 0xFFFF
export const MANIFEST_VERSION_OFF: u32 = 12; // u16 of the plant, below 0xFFFF; a higher one is newer
export const MANIFEST_LENGTH_OFF: u32 = 16; // u32 bytes of the file, the sum included
export const MANIFEST_NAME_OFF: u32 = 20; // u8 length, then the plant's name, at most 43 bytes
export const MANIFEST_MAGIC: u32 = 0x4d585348;
export const MANIFEST_FORMAT: u32 = 1;

// ---- Node ----
export const MANIFEST_NODE_KIND_OFF: u32 = 0; // u8 ManifestSelect
export const MANIFEST_NODE_WHO_OFF: u32 = 1; // u8 the id, the role, or the bytes of the UID
export const MANIFEST_NODE_FIRST_OFF: u32 = 2; // u16 its first app, counted from 0
export const MANIFEST_NODE_COUNT_OFF: u32 = 4; // u8 how many apps it has, at most 14; they follow one another
export const MANIFEST_NODE_FLAGS_OFF: u32 = 5; // u8 ManifestNodeFlag
export const MANIFEST_NODE_CONTENT_OFF: u32 = 8; // u32 what its configuration and its values come to; no half of it is 0xFFFF
export const MANIFEST_NODE_CONFIG_OFF: u32 = 12; // u16 x 6: its configuration, NodeWord
export const MANIFEST_NODE_UID_OFF: u32 = 24; // 16 bytes
export const MANIFEST_NODE_NAME_OFF: u32 = 40; // u8 length, then its name, at most 23 bytes

/** How a node finds its record. Of several that fit, the highest kind holds. */
export enum ManifestSelect {
  ROLE = 1,
  ID = 2,
  UID = 3,
}

/** Bits of a node. */
export enum ManifestNodeFlag {
  /** The six words are its configuration; without, it keeps the one it has. */
  CONFIG = 1,
}

// ---- App ----
export const MANIFEST_APP_LENGTH_OFF: u32 = 0; // u32 bytes of the image
export const MANIFEST_APP_CRC_OFF: u32 = 4; // u32 CRC-32 over every byte of the image
export const MANIFEST_APP_FILE_OFF: u32 = 8; // 11 bytes: its file on a card, as a directory has it: 8 of name and 3 of extension, filled up with blanks
export const MANIFEST_APP_GROUP_OFF: u32 = 19; // u8 start group: lower ones first
export const MANIFEST_APP_BOOT_OFF: u32 = 20; // u16 boot word, as in the boot list
export const MANIFEST_APP_COUNTS_OFF: u32 = 22; // u8 bits 0-2: attempts of a trial, bits 3-4: ConfirmAfter
export const MANIFEST_APP_HEALTH_OFF: u32 = 23; // u8 ManifestHealth, and MANIFEST_HEALTH_GO
export const MANIFEST_APP_DELAY_OFF: u32 = 24; // u16 ms between its turn and its start
export const MANIFEST_APP_LIMIT_OFF: u32 = 26; // u16 ms from its start in which it must be well; 0: it has any time
export const MANIFEST_APP_OID_OFF: u32 = 28; // u16 the value that tells whether it is well
export const MANIFEST_APP_MIN_OFF: u32 = 30; // u16 binary16: it is well from here
export const MANIFEST_APP_MAX_OFF: u32 = 32; // u16 binary16: to here
export const MANIFEST_APP_FIRST_OFF: u32 = 34; // u16 its first value, counted from 0
export const MANIFEST_APP_VALUES_OFF: u32 = 36; // u8 how many values it has; they follow one another
export const MANIFEST_APP_GROUP_BASE_OFF: u32 = 37; // u8 added to the groups of its ids
export const MANIFEST_APP_KEY_BASE_OFF: u32 = 38; // u16 added to its persist keys
export const MANIFEST_APP_HASH_OFF: u32 = 40; // u32 CRC-32 of the name in the image
export const MANIFEST_APP_NAME_OFF: u32 = 44; // u8 length, then what the manifest calls it, at most 19 bytes

/** When an app is well. */
export enum ManifestHealth {
  /** it runs */
  RUNS = 0,
  /** it says so, PROV_CONFIRM */
  CONFIRMED = 1,
  /** its value lies between two limits */
  VALUE = 2,
}
/** The limit over, what comes behind the app starts all the same. */
export const MANIFEST_HEALTH_GO: u32 = 0x80;
export const MANIFEST_HEALTH_MASK: u32 = 15;

// ---- Value, 8 bytes ----
export const MANIFEST_VALUE_OID_OFF: u32 = 0; // u16, the group base is in it
export const MANIFEST_VALUE_KEY_OFF: u32 = 2; // u16, the key base is in it; neither 0 nor 0xFFFF
export const MANIFEST_VALUE_BITS_OFF: u32 = 4; // u16 binary16
export const MANIFEST_VALUE_MEANING_OFF: u32 = 6; // u16 what a cell MEANING of the key holds; 0: the value has no unit
