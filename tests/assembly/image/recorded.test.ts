// The recorded images of the reference: each is accepted or refused as the format's description has it.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { fromRoot } from "../../../scripts/root.ts";
import { ImageRoom } from "../../oracle/image-room.ts";

interface Recorded {
  readonly name: string;
  readonly docs_expect: "accept" | "reject" | "unspecified";
}

const folder = fromRoot("tests/vectors/recorded");
const recorded: Recorded[] = JSON.parse(
  readFileSync(`${folder}/expected/images.json`, "utf8"),
).images;

/**
 * The verdict on each. Those the description demands to be refused are refused for what is wrong with them
 * by their names and notes; those it leaves open are decided in docs/hxe.md.
 */
const VERDICTS: Record<string, keyof typeof Err> = {
  ok_v2_rodata: "OK",
  ok_entry_last: "OK",
  ok_cmd_strings: "OK",
  ok_app_name_empty: "OK",
  ok_single_instance_flag: "OK",
  odd_value_utf8_name: "OK",
  odd_cmd_name_no_help: "OK",
  bad_empty: "HXE_TRUNCATED",
  bad_magic: "HXE_MAGIC",
  bad_magic_reversed: "HXE_MAGIC",
  bad_version_3: "HXE_VERSION",
  bad_version_le: "HXE_VERSION",
  bad_crc_flip: "HXE_CRC",
  bad_crc_no_meta_rule: "HXE_CRC",
  bad_code_bitflip: "HXE_CRC",
  bad_trailing_garbage_stale: "HXE_CRC",
  bad_code_len_0: "HXE_CODE_LEN",
  bad_code_len_huge: "HXE_CODE_LEN",
  bad_entry_huge: "HXE_ENTRY",
  bad_reserved_last: "HXE_RESERVED",
  bad_meta_in_code: "HXE_TABLE",
  bad_meta_in_rodata: "HXE_TABLE",
  bad_meta_count_2: "HXE_TABLE",
  bad_meta_section_in_header: "HXE_SECTION",
  bad_value_truncated: "HXE_VALUE",
  bad_value_count_huge: "HXE_VALUE",
  bad_value_name_offset: "HXE_STRING",
  bad_value_name_offset_end: "HXE_STRING",
  bad_value_duplicate_sections: "HXE_DUPLICATE",
  bad_cmd_truncated: "HXE_COMMAND",
  bad_cmd_duplicate: "HXE_DUPLICATE",
  bad_mbx_json_syntax: "HXE_JSON",
  bad_mbx_json_version: "HXE_JSON",
  bad_mbx_json_capacity_neg: "HXE_MAILBOX",
  bad_mbx_json_mode_neg: "HXE_MAILBOX",
  bad_mbx_legacy_truncated: "HXE_MAILBOX",
  bad_mbx_legacy_name_offset: "HXE_STRING",
  ok_mailbox_json_array: "OK",
  odd_meta_count_cleared: "OK",
  odd_trailing_garbage: "OK",
  odd_ro_len_misaligned: "OK",
  odd_flags_reserved: "HXE_FLAGS",
  odd_manifest_flag: "HXE_MANIFEST",
  odd_meta_section_over_code: "HXE_STRING",
  odd_meta_section_over_table: "OK",
  odd_meta_sections_overlap: "HXE_SECTION",
  odd_value_count_0: "OK",
  odd_value_size_0_count_0: "OK",
  odd_cmd_reserved_hi: "HXE_COMMAND",
  odd_value_and_cmd_same_oid: "OK",
  odd_mbx_json_count_mismatch: "OK",
  odd_mbx_json_scalar: "OK",
};

const programs = readdirSync(`${folder}/hxe`).filter((name) => name.endsWith(".hxe"));

/** A cheap repeatable sequence of piece sizes from 1 to `most`. */
function* pieces(seed: number, most: number): Generator<number> {
  for (let x = seed * 2 + 1; ; x = (Math.imul(x, 1664525) + 1013904223) >>> 0) {
    yield 1 + ((x >>> 16) % most);
  }
}

const rooms = {
  small: await ImageRoom.create("small"),
  large: await ImageRoom.create("large"),
  desktop: await ImageRoom.create("desktop"),
};

describe("the verdicts above", () => {
  it("are those the description of the format demands", () => {
    const demanded = recorded.filter((image) => image.docs_expect !== "unspecified");
    expect(demanded).not.toHaveLength(0);
    for (const { name, docs_expect } of demanded) {
      expect(`${name}: ${VERDICTS[name] === "OK" ? "accept" : "reject"}`).toBe(
        `${name}: ${docs_expect}`,
      );
    }
    expect(Object.keys(VERDICTS).sort()).toEqual(recorded.map((image) => image.name).sort());
  });
});

describe.each(["small", "large", "desktop"] as const)("the %s profile", (profile) => {
  it.each(Object.entries(VERDICTS))("judges %s: %s, whole and in pieces", (name, verdict) => {
    const room = rooms[profile];
    const file = readFileSync(`${folder}/invalid/${name}.hxe`);
    expect(Err[room.judge(file).code]).toBe(verdict);
    const refusal = room.refusal();
    for (const most of [1, 3, 16, 64]) {
      for (let seed = 0; seed < 3; seed++) {
        expect(Err[room.judge(file, pieces(seed, most)).code]).toBe(verdict);
        expect(room.refusal()).toEqual(refusal);
      }
    }
  });
});

describe("the desktop profile", () => {
  it.each(programs)("accepts the program %s, whole and in pieces", (name) => {
    const room = rooms.desktop;
    const file = readFileSync(`${folder}/hxe/${name}`);
    expect(Err[room.judge(file).code]).toBe("OK");
    expect(Err[room.judge(file, pieces(7, 100)).code]).toBe("OK");
  });
});
