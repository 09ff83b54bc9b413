// What hangs on an SPI bus: a device as its master sees it, and the socket it sits in, which may be empty or broken.

/** A device with a chip select. All transfer bytes, most significant bit first, in SPI mode 0 or 3. */
export interface SpiDevice {
  /** Chip select goes low. */
  select(): void;
  /** Chip select goes high. */
  deselect(): void;
  /** Eight clocks at `hz`: takes the byte on MOSI and returns the one on MISO. Called while selected only. */
  exchange(byte: number, hz: number): number;
  /** Eight clocks while the chip select is high, which some devices count. */
  idle?(hz: number): void;
}

/** What is wrong between master and device: nobody there and MISO pulled up, or MISO held at a level. */
export type SpiFault = "none" | "absent" | "stuck-00" | "stuck-ff";

/** The place of a device on the board. */
export class SpiSocket implements SpiDevice {
  fault: SpiFault = "none";

  constructor(readonly device: SpiDevice) {}

  private get isThere(): boolean {
    return this.fault !== "absent";
  }
  select(): void {
    if (this.isThere) this.device.select();
  }
  deselect(): void {
    if (this.isThere) this.device.deselect();
  }
  exchange(byte: number, hz: number): number {
    const answer = this.isThere ? this.device.exchange(byte, hz) : 0xff;
    if (this.fault === "stuck-00") return 0;
    return this.fault === "none" ? answer : 0xff;
  }
  idle(hz: number): void {
    if (this.isThere) this.device.idle?.(hz);
  }
}

/** A bus with several devices: the selected ones answer, and MISO is pulled up. Two at once pull it down together. */
export class SpiBus {
  private readonly devices = new Set<SpiDevice>();
  private readonly selected = new Set<SpiDevice>();
  /** Transfers with more than one device selected: a defect of the master. */
  collisions = 0;

  attach(device: SpiDevice): void {
    this.devices.add(device);
  }
  /** Level of a device's chip select. */
  setSelect(device: SpiDevice, level: number): void {
    if (level === 0 && !this.selected.has(device)) {
      this.selected.add(device);
      device.select();
    } else if (level !== 0 && this.selected.delete(device)) device.deselect();
  }
  exchange(byte: number, hz: number): number {
    if (this.selected.size > 1) this.collisions++;
    let answer = 0xff;
    for (const device of this.devices) {
      if (this.selected.has(device)) answer &= device.exchange(byte, hz);
      else device.idle?.(hz);
    }
    return answer;
  }
}
