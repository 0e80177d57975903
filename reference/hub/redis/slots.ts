// Which of the slots of a Redis Cluster a key or a channel lies in.

export const slotCount = 16_384;

/** CRC16 (XMODEM) of the hash tag, or of the whole key where it has none: Redis Cluster specification, "Key distribution model". */
export function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = key.indexOf("}", open + 1);
  const hashed = open !== -1 && close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return (crc & 0xffff) % slotCount;
}
