// A FAT file system as it lies on a card: offsets and limits. Little-endian. Which cards are taken: docs/card.md.

export const BLOCK_LOG2: u32 = 9;
/** Bytes of a block of a card. */
export const BLOCK_BYTES: u32 = 1 << BLOCK_LOG2;

// ---- Partition table: the first block of a card that is no volume ----
export const MBR_TABLE_OFF: u32 = 446;
export const MBR_ENTRIES: u32 = 4;
export const MBR_ENTRY_BYTES: u32 = 16;
export const MBR_TYPE_OFF: u32 = 4; // u8 0: none
export const MBR_BLOCK_OFF: u32 = 8; // u32 first block
/** First bytes of the block that the MBR of a GPT card points to, "EFI " of "EFI PART": UEFI 2.10, 5.2.3 and 5.3.2. */
export const GPT_MAGIC: u32 = 0x20494645;
/** One bit a type that is FAT: 1, 4, 6, 11, 12, 14. */
export const MBR_FAT_TYPES: u32 = 0x5852;

// ---- First block of a volume ----
export const FAT_NAME_OFF: u32 = 3; // 8 bytes: who made it, of exFAT and NTFS what it is
export const FAT_BLOCK_BYTES_OFF: u32 = 11; // u16
export const FAT_CLUSTER_OFF: u32 = 13; // u8 blocks of a cluster
export const FAT_RESERVED_OFF: u32 = 14; // u16 blocks before the first table
export const FAT_COPIES_OFF: u32 = 16; // u8 tables
export const FAT_ROOT_ENTRIES_OFF: u32 = 17; // u16 0: FAT32
export const FAT_LENGTH16_OFF: u32 = 19; // u16 blocks of the volume; 0: see FAT_LENGTH32_OFF
export const FAT_MEDIA_OFF: u32 = 21; // u8 0xF0 and more
export const FAT_BLOCKS16_OFF: u32 = 22; // u16 blocks of a table; 0: FAT32
export const FAT_LENGTH32_OFF: u32 = 32; // u32
export const FAT_BLOCKS32_OFF: u32 = 36; // u32 FAT32: blocks of a table
export const FAT_FLAGS_OFF: u32 = 40; // u16 FAT32: bits 0-3 the table in use, if FAT_FLAGS_SINGLE
export const FAT_FLAGS_SINGLE: u32 = 0x80;
export const FAT_ROOT_CLUSTER_OFF: u32 = 44; // u32 FAT32
export const FAT_SIGNATURE_OFF: u32 = 510; // u16, of a partition table, too
export const FAT_SIGNATURE: u32 = 0xaa55;
/** Fewer clusters are FAT12. */
export const FAT12_CLUSTERS: u32 = 4085;
/** Numbers of clusters are below this. */
export const FAT_LIMIT: u32 = 0x0ffffff7;
/** Bits of an entry of FAT32. */
export const FAT_MASK: u32 = 0x0fffffff;
/** An entry of FAT16 or FAT32 from this on, as a signed number, is the end of a chain. */
export const FAT_END16: u32 = 0xfff8;
export const FAT_END32: u32 = 0x0ffffff8;

// ---- Entry of a directory, 32 bytes ----
export const ENTRY_BYTES: u32 = 32;
export const ENTRY_NAME_BYTES: u32 = 11; // name 8, extension 3, both filled with blanks
export const ENTRY_ATTRIBUTES_OFF: u32 = 11; // u8
export const ENTRY_HIGH_OFF: u32 = 20; // u16 upper bits of the first cluster, FAT32
export const ENTRY_LOW_OFF: u32 = 26; // u16 lower bits
export const ENTRY_SIZE_OFF: u32 = 28; // u32 bytes of the file
/** Attributes: label of the volume, directory; a piece of a long name has the first. */
export const ENTRY_NO_FILE: u32 = 0x18;
/** First byte of an entry that is deleted. */
export const ENTRY_DELETED: u32 = 0xe5;
/** Most blocks of a root that are looked through: 8,192 entries. */
export const ROOT_BLOCKS_MAX: u32 = 512;
