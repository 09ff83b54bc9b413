// UTF-8, checked byte by byte: shortest forms only, no surrogates, nothing beyond U+10FFFF.

/** The byte cannot stand where it stands. */
export const UTF8_BAD: u32 = 0xff;

/** What the next byte of a character must be, in bits 2 to 4 of the state; bits 0 and 1 count the bytes to come. */
enum Next {
  ANY = 0 << 2,
  FROM_A0 = 1 << 2,
  BELOW_A0 = 2 << 2,
  FROM_90 = 3 << 2,
  BELOW_90 = 4 << 2,
}

function leadByte(byte: u32): u32 {
  if (byte < 0x80) return 0;
  if (byte < 0xc2) return UTF8_BAD;
  if (byte < 0xe0) return 1;
  if (byte == 0xe0) return 2 | Next.FROM_A0;
  if (byte == 0xed) return 2 | Next.BELOW_A0;
  if (byte < 0xf0) return 2;
  if (byte == 0xf0) return 3 | Next.FROM_90;
  if (byte < 0xf4) return 3;
  return byte == 0xf4 ? 3 | Next.BELOW_90 : UTF8_BAD;
}

/** The state after one more byte; 0 between two characters; UTF8_BAD. Starts from 0. */
export function utf8Next(state: u32, byte: u32): u32 {
  if (state == 0) return leadByte(byte);
  if ((byte & 0xc0) != 0x80) return UTF8_BAD;
  switch (state & 0x1c) {
    case Next.FROM_A0:
      if (byte < 0xa0) return UTF8_BAD;
      break;
    case Next.BELOW_A0:
      if (byte >= 0xa0) return UTF8_BAD;
      break;
    case Next.FROM_90:
      if (byte < 0x90) return UTF8_BAD;
      break;
    case Next.BELOW_90:
      if (byte >= 0x90) return UTF8_BAD;
      break;
  }
  return (state & 3) - 1;
}
