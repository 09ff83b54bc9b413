// Buses as `--bus`, HSX_BUS and hsx.toml name them: `tcp:127.0.0.1:29536`, `slcan:/dev/ttyACM0@500000`.

import { suggest } from "../formats/diagnostic.ts";

export type BusUrl =
  | { readonly scheme: "sim"; readonly file: string }
  | { readonly scheme: "tcp"; readonly host: string; readonly port: number }
  | {
      readonly scheme: "slcan";
      readonly port: string;
      /** kbit/s of the bus. */
      readonly bitRate: number;
      /** Of the serial line; an adapter on USB does not care. */
      readonly baud: number;
    }
  | { readonly scheme: "serial"; readonly port: string; readonly baud: number }
  | { readonly scheme: "socketcan"; readonly interface: string };

/** The port socketcand listens on, too. */
export const TCP_PORT = 29536;
/** What lines have without a number: adapters, and consoles of nodes. */
const SERIAL_BAUD = 115_200;
const FORMS = {
  sim: "sim:bench.toml",
  tcp: "tcp:127.0.0.1:29536",
  slcan: "slcan:/dev/ttyACM0@500000",
  serial: "serial:/dev/ttyUSB0@115200",
  socketcan: "socketcan:can0",
} as const;

/** Reads the name of a bus. */
export function parseBusUrl(
  text: string,
): { readonly url: BusUrl } | { readonly message: string; readonly remedy: string } {
  const [, scheme = "", rest = ""] = /^(\w+):(.*)$/.exec(text) ?? [];
  const url = readRest(scheme, rest);
  if (url !== undefined) return { url };
  const isKnown = scheme in FORMS;
  const all = `there are ${Object.values(FORMS).join(", ")}`;
  return {
    message: `"${text}" is no bus`,
    remedy: isKnown
      ? `write for example ${FORMS[scheme as keyof typeof FORMS]}`
      : (suggest(scheme, Object.keys(FORMS), all) as string),
  };
}

function readRest(scheme: string, rest: string): BusUrl | undefined {
  if (rest === "") return undefined;
  if (scheme === "sim") return { scheme, file: rest };
  if (scheme === "tcp") return readTcp(rest);
  if (scheme === "slcan") return readSlcan(rest);
  if (scheme === "serial") return readSerial(rest);
  if (scheme === "socketcan" && /^[\w.-]{1,15}$/.test(rest)) return { scheme, interface: rest };
  return undefined;
}
function readTcp(rest: string): BusUrl | undefined {
  const [, inBrackets, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(rest) ?? [];
  const host = inBrackets ?? plain;
  const port = digits === undefined ? TCP_PORT : Number(digits);
  return host === undefined || port > 65_535 ? undefined : { scheme: "tcp", host, port };
}
function readSerial(rest: string): BusUrl | undefined {
  const [, port, bauds] = /^([^@]+)(?:@(\d+))?$/.exec(rest) ?? [];
  if (port === undefined) return undefined;
  return { scheme: "serial", port, baud: bauds === undefined ? SERIAL_BAUD : Number(bauds) };
}
/** Bits a second behind the first `@`, those of the serial line behind a second. */
function readSlcan(rest: string): BusUrl | undefined {
  const [, port, bits, bauds] = /^([^@]+)@(\d+)(?:@(\d+))?$/.exec(rest) ?? [];
  if (port === undefined || Number(bits) % 1000 !== 0) return undefined;
  const baud = bauds === undefined ? SERIAL_BAUD : Number(bauds);
  return { scheme: "slcan", port, bitRate: Number(bits) / 1000, baud };
}
